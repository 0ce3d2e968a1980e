// A platform as an attacker meets it: accounts with their secrets, how it signs, and a judge of proofs. A forger shares nothing with the
// doors or the simulator of its channel, so that a door's mistake is not its own witness. Only tests and the fuzzer hold one.
import type { AccountId, TenantId } from "../../ids.ts";

export interface ForgedAccount {
  tenantId: TenantId;
  accountId: AccountId;
  externalId: string;
  scheme: string;
  /** As the directory holds it. */
  secret: string;
  /** What the platform signs with, where that is another one. */
  privateKey?: string;
}

export interface Forger {
  channelType: string;
  /** Of its webhooks on the shared URL: the first is the present one. */
  paths: readonly string[];
  /** The first is whose webhooks the channel's fixtures are. Each scheme has one; two with one secret are workspaces of one app. */
  accounts: readonly ForgedAccount[];
  /** A conversation of the first account and a message of ours in it, as the platform names them. */
  ours: { conversationExternalId: string; messageExternalId: string };
  /** In lower case: the headers in which a proof stands. */
  proofHeaders: readonly string[];
  /** Headers of a genuine webhook of this account. */
  signed(account: ForgedAccount, body: Uint8Array, atSeconds: number): [string, string][];
  /** Whether these headers prove that the account's platform sent this body. */
  proves(account: Pick<ForgedAccount, "scheme" | "secret">, headers: Headers, body: Uint8Array, nowMs: number): boolean;
  /** What the platform sends without a proof and expects answered 200; nothing may be left behind. Left out: nothing. */
  unsignedHandshake?(headers: Headers, body: Uint8Array): boolean;
}
