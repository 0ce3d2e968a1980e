// The place of attachments in a message's way: what can be fetched is stored and named; what cannot goes on as a link, with the reason. Nothing
// here holds a conversation up for longer than `waitMsMax`.
import type { Attachment } from "@mio/proto/gen/mio/v1/attachment_pb.ts";
import type { Message } from "@mio/proto/gen/mio/v1/message_pb.ts";
import type { OutboundAccount } from "@mio/shared/channels/contract/account.ts";
import type { MediaDoor } from "@mio/shared/channels/contract/media.ts";
import type { SendFetch } from "@mio/shared/channels/contract/outbound.ts";
import type { BlobStore } from "../blob/blob-store.ts";
import type { MediaFetch } from "../egress/media-fetch.ts";

export interface AttachmentParts {
  doors: readonly MediaDoor[];
  /** From core/src/accounts; undefined: there is no such account, or it has nothing to fetch with. */
  accountOf(accountId: string): Promise<OutboundAccount | undefined>;
  ask: SendFetch;
  fetch: MediaFetch;
  blobs: BlobStore;
  waitMsMax: number;
  nowMs(): number;
}

/** What to do with one attachment: decided from data alone, so that the table of all cases is a test. */
export type AttachmentStep =
  | { kind: "keep_link"; reason: "no_door" | "no_account" | "expired" | "too_large" }
  | { kind: "store"; name: string; bytesMax: number };

export declare function decideStep(
  attachment: Attachment,
  message: Message,
  door: MediaDoor | undefined,
  nowMs: number,
): AttachmentStep;

/** The bytes to publish for a message that was read as `bytes`. Throws only for what is to be tried again. */
export declare function withStoredAttachments(
  message: Message,
  bytes: Uint8Array,
  signal: AbortSignal,
  parts: AttachmentParts,
): Promise<Uint8Array>;
