// Secrets of accounts in tests: sealed with keys that everybody knows, and opened again to be looked at.
import { createSecretStore, type SecretStore } from "@mio/core/accounts/secret-store.ts";
import { replaceTokens, type SecretOwner } from "@mio/core/accounts/secrets.ts";
import type { Control } from "@mio/core/control/control.ts";
import { inTransaction } from "@mio/core/db/in-transaction.ts";
import { parseSealingKeys } from "@mio/shared/bus/wire/sealed-value.ts";
import type { Pool } from "pg";

/** As a configuration has them. Not the directory's. */
export const testSecretKeys = "secrets:YW5vdGhlciB0ZXN0IGtleSBldmVyeWJvZHkga25vd3M=";

export function testSecrets(db: Pool): SecretStore {
  return createSecretStore(db, parseSealingKeys(testSecretKeys) ?? []);
}

/** What a test asks operations with. */
export function testControl(db: Pool): Control {
  return { db, secrets: testSecrets(db), actor: { kind: "cli", id: "test" } };
}

/** In place of whatever sent for the account before. */
export async function replaceCredential(db: Pool, owner: SecretOwner, value: string): Promise<void> {
  const writer = await testSecrets(db).forWriting();
  await inTransaction(db, async (client) => {
    await replaceTokens(client, writer, owner, [{ purpose: "credential", scheme: "token", value }]);
  });
}

export interface LookedAtSecret {
  accountId: string;
  purpose: string;
  scheme: string;
  value: string;
  createdAt: Date;
  notAfter: Date | null;
}

/** Throws when one does not open. Sorted by purpose, scheme and value. */
export async function openedSecrets(
  db: Pool,
  accountId?: string,
  { ring }: Pick<SecretStore, "ring"> = testSecrets(db),
): Promise<LookedAtSecret[]> {
  const { rows } = await db.query(
    `select s.account_id, a.tenant_id, s.purpose, s.scheme, s.key_name, s.sealed, s.created_at, s.not_after
       from account_secrets s join accounts a on a.id = s.account_id where $1::uuid is null or a.id = $1`,
    [accountId ?? null],
  );
  const secrets = rows.map((row): LookedAtSecret => {
    const { account_id: id, tenant_id: tenantId, purpose, scheme, key_name: keyName, sealed: bytes } = row;
    const opened = ring.open({ tenantId, accountId: id, purpose, scheme }, { keyName, bytes });
    if (opened.kind !== "opened") throw new Error(`a secret of account ${id} does not open: ${opened.reason}`);
    return { accountId: id, purpose, scheme, value: opened.value, createdAt: row.created_at, notAfter: row.not_after };
  });
  const orderOf = ({ purpose, scheme, value }: LookedAtSecret) => `${purpose} ${scheme} ${value}`;
  return secrets.sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
}
