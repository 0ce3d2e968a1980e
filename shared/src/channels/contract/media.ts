// The door by which attachments are fetched while the platform's link lives. No channel has it yet; it was tried on the pages of WhatsApp (two
// steps, an address for five minutes: developers.facebook.com/docs/whatsapp/cloud-api/reference/media), Slack (a bearer, and 200 with a login page
// without it: docs.slack.dev/reference/objects/file-object), Discord (signed links: discord.com/developers/docs/reference#signed-attachment-cdn-urls),
// Telegram (the token in the address: core.telegram.org/bots/api#getfile) and Feishu (message and key: open.feishu.cn, im-v1 message-resource).
import type { OutboundAccount } from "./account.ts";
import type { Channel } from "./channel.ts";
import type { SendFetch } from "./outbound.ts";

export interface MediaDoor {
  channel: Channel;
  /** When a reference can be resolved no more, from itself and from when it came; undefined: as long as the file is there. */
  expiresAtMs(reference: MediaReference, receivedAtMs: number): number | undefined;
  /** A fresh address. `credentialHosts` alone may be sent `headers`, also behind a redirect. Throws DeliveryError and nothing else. */
  resolve(reference: MediaReference, account: OutboundAccount, fetch: SendFetch): Promise<ResolvedMedia>;
  /** Whether an answer is the file, and not a page that says 200 all the same. */
  isFile(reference: MediaReference, answer: Pick<Response, "status" | "headers">): boolean;
}
/** `url`: as the inbound door wrote it into the attachment; some platforms also want the message. */
type MediaReference = { url: string; sourceMessageId: string };
type ResolvedMedia =
  | { kind: "found"; url: string; headers: Readonly<Record<string, string>>; credentialHosts: readonly string[] }
  | { kind: "gone"; code: string };
