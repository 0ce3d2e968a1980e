// Slack's files as attachments. The bytes stay where they are: behind `url`, for whoever holds the bot's token.
import { create } from "@bufbuild/protobuf";
import { type Attachment, Attachment_ErrorCode, Attachment_Kind, AttachmentSchema } from "@mio/proto/gen/mio/v1/attachment_pb.ts";
import type { SlackFile } from "./payload.ts";

/** Scheme of an attachment's `url` for files of Slack Connect, whose real URL only files.info tells. */
export const fileReferenceScheme = "slack-file:";

export function attachmentsOf(files: readonly SlackFile[]): Attachment[] {
  return files.map(attachmentOf);
}

function attachmentOf(file: SlackFile): Attachment {
  const mime = file.mimetype ?? "";
  return create(AttachmentSchema, {
    kind: file.mode === "external" ? Attachment_Kind.LINK : kindOf(mime),
    url: urlOf(file),
    mime,
    bytes: BigInt(file.size ?? 0),
    filename: file.name ?? "",
    errorCode: errorCodeOf(file),
  });
}

function urlOf(file: SlackFile): string {
  if (file.file_access === "check_file_info") return `${fileReferenceScheme}${file.id ?? ""}`;
  return file.url_private_download ?? file.url_private ?? "";
}

/** A tombstone's bytes are gone, and those beyond a free workspace's limit are not given. */
function errorCodeOf(file: SlackFile): Attachment_ErrorCode {
  if (file.mode === "tombstone") return Attachment_ErrorCode.NOT_FOUND;
  if (file.mode === "hidden_by_limit") return Attachment_ErrorCode.FORBIDDEN;
  return Attachment_ErrorCode.UNSPECIFIED;
}

function kindOf(mime: string): Attachment_Kind {
  if (mime.startsWith("image/")) return Attachment_Kind.IMAGE;
  if (mime.startsWith("audio/")) return Attachment_Kind.AUDIO;
  if (mime.startsWith("video/")) return Attachment_Kind.VIDEO;
  return Attachment_Kind.FILE;
}
