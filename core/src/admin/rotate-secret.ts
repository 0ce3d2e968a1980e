// Replacing what verifies an account's webhooks without refusing one: the new secret is valid at once, the old ones of its scheme until the
// overlap ends. The same command again changes nothing, however often and when.
import type { Pool } from "pg";
import { inTransaction } from "../db/in-transaction.ts";
import { directoryNotification } from "../db/listen.ts";
import { type Account, type AccountSecret, readAccount } from "./accounts.ts";
import { AdminError } from "./admin-error.ts";

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
export async function rotateSecret(db: Pool, id: string, secret: AccountSecret, overlapMs: number): Promise<Rotation> {
  if (secret.scheme === "" || secret.value === "")
    throw new AdminError("invalid", "a secret needs a scheme and a value: scheme=secret");
  if (!(overlapMs >= 0 && overlapMs <= overlapDaysMax * dayMs))
    throw new AdminError("invalid", `an overlap is from 0s to ${overlapDaysMax}d`);
  return inTransaction(db, async (client) => {
    // One after the other, and by the clock of each one's turn: `now()` is when a transaction began, so a later turn could move the end.
    const account = await readAccount(client, id);
    // A secret that is there but about to end, or has ended, is taken back: rotating to it says that it is the one.
    const added = await client.query(
      `insert into account_secrets (account_id, purpose, scheme, value) values ($1, 'verification', $2, $3)
       on conflict (account_id, purpose, scheme, value) do update set not_after = null
         where account_secrets.not_after is not null returning 1`,
      [id, secret.scheme, secret.value],
    );
    // `least` ignores null. An end in the past stays as it is.
    const ending = await client.query(
      `update account_secrets set not_after = least(not_after, clock_timestamp() + $4 * interval '1 millisecond')
       where account_id = $1 and purpose = 'verification' and scheme = $2 and value <> $3
         and (not_after is null or not_after > clock_timestamp() + $4 * interval '1 millisecond') returning 1`,
      [id, secret.scheme, secret.value, overlapMs],
    );
    const changed = added.rows.length > 0 || ending.rows.length > 0;
    if (changed) {
      await client.query("update accounts set row_version = nextval('directory_row_version') where id = $1", [id]);
      await client.query(`notify ${directoryNotification}`);
    }
    const valid = await client.query<{ scheme: string; not_after: Date | null }>(
      `select scheme, not_after from account_secrets
       where account_id = $1 and purpose = 'verification' and (not_after is null or not_after > clock_timestamp())
       order by not_after nulls first, scheme, created_at`,
      [id],
    );
    return { account, changed, secrets: valid.rows };
  });
}
