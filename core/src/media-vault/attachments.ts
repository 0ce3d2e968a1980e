// The place of attachments in a message's way: what comes out is the message as it is published enriched. For now each attachment goes on
// as it came; nothing fetches a URL that a message brought before the client exists that cannot be led to a private address (G12).
import type { Message } from "@mio/proto/gen/mio/v1/message_pb.ts";

/** The bytes to publish for a message that was read as `bytes`. Aborting `signal` ends whatever is still fetched. */
export async function withStoredAttachments(_message: Message, bytes: Uint8Array, _signal: AbortSignal): Promise<Uint8Array> {
  return bytes;
}
