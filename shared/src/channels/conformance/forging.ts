// What forgers need again and again, on Node's own cryptography: the doors have theirs from elsewhere.
import { createHmac } from "node:crypto";
import { accountIdOf, tenantIdOf } from "../../ids.ts";
import type { ForgedAccount } from "./forger.ts";

const windowSeconds = 300;

/** Each in a tenant of its own. */
export function forgedAccount(channelType: string, externalId: string, scheme: string, secret: string): ForgedAccount {
  const tenantId = tenantIdOf(`tenant-of-${externalId}`);
  return { tenantId, accountId: accountIdOf(tenantId, channelType, externalId), externalId, scheme, secret };
}

export function hmacSha256(secret: string, ...parts: (string | Uint8Array)[]): Buffer {
  const digest = createHmac("sha256", secret);
  for (const part of parts) digest.update(part);
  return digest.digest();
}

/** Whether a time in seconds, as a header says it (of milliseconds the whole seconds), is at most five minutes away. */
export function isFresh(seconds: string | undefined, nowMs: number): boolean {
  return (
    seconds !== undefined && /^\d{1,12}$/.test(seconds) && Math.abs(Math.floor(nowMs / 1_000) - Number(seconds)) <= windowSeconds
  );
}
