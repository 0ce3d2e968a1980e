// A webhook whose body is encrypted under the account's own key: only verification can open it, and what follows reads what it opened. No channel has
// it yet; it was tried on Feishu's page, whose handshake comes encrypted too: open.feishu.cn, event subscription, encrypt-key-encryption-configuration-case.
import type { VerificationSecret } from "./account.ts";
import type { InboundDoor, Verified, WebhookRequest } from "./inbound.ts";

export interface SealedInboundDoor extends Omit<InboundDoor, "verify"> {
  /**
   * `opened`: the body under the encryption. The pipe reads it anew (`read({ ...request, body: opened })`) for the signed handshake, for `normalise` and
   * for quarantine, so that a replay needs no key. The claimed workspace of a sealed body is undefined: such a channel has a URL an account.
   */
  verify(request: WebhookRequest, secrets: readonly VerificationSecret[], nowMs: number): Promise<Opened>;
}
type Opened = Exclude<Verified, { kind: "verified" }> | { kind: "verified"; opened: Uint8Array<ArrayBuffer> };
