// An account as the doors know it: whose webhook it is, what verifies it, and what a message is sent with.
import type { AccountId, TenantId } from "../../ids.ts";

/** One secret that may verify a webhook now. Old and new are both listed while a rotation overlaps. */
export interface VerificationSecret {
  /** The channel's own name for how it verifies, such as `slack-v0`: in the README of its folder. */
  scheme: string;
  value: string;
}

/** The account that a webhook is for, as the edge's directory knows it. */
export interface InboundAccount {
  tenantId: TenantId;
  accountId: AccountId;
  channelType: string;
  /** The platform's workspace, organisation or bot id. */
  externalId: string;
  /** Channel settings by name, such as the bot's own user id for the echo guard. */
  settings: Readonly<Record<string, string>>;
}

export interface OutboundAccount {
  accountId: AccountId;
  externalId: string;
  settings: Readonly<Record<string, string>>;
  /** Bot token or access token. Never logged. */
  credential: string;
}
