// A message's files as references. Telegram's download URL contains the bot's token, so what goes on is `telegram-file:` and
// the file_id, to be resolved with getFile by who holds the token.
import { create } from "@bufbuild/protobuf";
import { type Attachment, Attachment_Kind, AttachmentSchema } from "@mio/proto/gen/mio/v1/attachment_pb.ts";
import type { TelegramMessage } from "./payload.ts";

/** Others read it, so it never changes. */
const fileReferenceScheme = "telegram-file:";

interface File {
  file_id: string;
  file_size: number;
  mime_type?: string;
  file_name?: string;
}

/** A message holds at most one file; an animation comes as a document too, and is taken once. */
export function attachmentsOf(message: TelegramMessage): Attachment[] {
  const photo = largest(message.photo ?? []);
  if (photo) return [attachment(Attachment_Kind.IMAGE, { ...photo, mime_type: "image/jpeg" })];
  if (message.animation) return [attachment(Attachment_Kind.VIDEO, message.animation)];
  if (message.video) return [attachment(Attachment_Kind.VIDEO, message.video)];
  if (message.video_note) return [attachment(Attachment_Kind.VIDEO, message.video_note)];
  if (message.voice) return [attachment(Attachment_Kind.AUDIO, message.voice)];
  if (message.audio) return [attachment(Attachment_Kind.AUDIO, message.audio)];
  if (message.document) return [attachment(Attachment_Kind.FILE, message.document)];
  if (message.sticker) return [attachment(Attachment_Kind.IMAGE, message.sticker)];
  return [];
}

/** Telegram lists one photo in several sizes, in its own order. */
function largest(sizes: NonNullable<TelegramMessage["photo"]>) {
  return sizes.toSorted((a, b) => b.width * b.height - a.width * a.height)[0];
}

function attachment(kind: Attachment_Kind, file: File): Attachment {
  return create(AttachmentSchema, {
    kind,
    url: `${fileReferenceScheme}${file.file_id}`,
    mime: (file.mime_type ?? "").toWellFormed(),
    bytes: BigInt(file.file_size),
    filename: (file.file_name ?? "").toWellFormed(),
  });
}
