// Replacing what verifies an account's webhooks without refusing one: the new secret is valid at once, the old ones of its scheme until the
// overlap ends. The same command again changes nothing, however often and when.
import type { Account } from "../../accounts/accounts.ts";
import { type AccountSecret, replaceVerification, selectVerifications } from "../../accounts/secrets.ts";
import { AdminError } from "../admin-error.ts";
import { type Control, changing } from "../control.ts";
import { lockedAccount } from "./operation.ts";

interface Rotation {
  account: Account;
  changed: boolean;
  /** Verification secrets of the account that are valid now, without their values. */
  secrets: { scheme: string; not_after: Date | null }[];
}

/** An end so far away is a mistake, or no rotation. */
export const overlapDaysMax = 30;
const dayMs = 86_400_000;

/**
 * Old secrets of the scheme end `overlapMs` from now, or earlier where that is decided already. Throws AdminError when there is no such
 * account, for a secret without scheme or value, and for an overlap that is negative or longer than `overlapDaysMax`.
 */
export async function rotateSecret(control: Control, id: string, secret: AccountSecret, overlapMs: number): Promise<Rotation> {
  if (secret.scheme === "" || secret.value === "") throw new AdminError("invalid", "a secret needs a scheme and a value");
  if (!(overlapMs >= 0 && overlapMs <= overlapDaysMax * dayMs))
    throw new AdminError("invalid", `an overlap is from 0s to ${overlapDaysMax}d`);
  const writer = await control.secrets.forWriting();
  return changing(control, async (client, note) => {
    // One after the other.
    const account = await lockedAccount(client, id);
    const changed = await replaceVerification(client, writer, account, secret, overlapMs);
    if (changed)
      note({
        noun: "account",
        verb: "rotate_secret",
        tenantId: account.tenant_id,
        accountId: id,
        subjectId: id,
        fields: ["verification"],
      });
    return { account, changed, secrets: await selectVerifications(client, id) };
  });
}
