// Accounts: one tenant's place on one platform, with what verifies its webhooks and what sends for it. The same command again changes nothing,
// and what differs from what is there is refused with the command that changes it.

import { accountIdOf, type TenantId } from "@mio/shared/ids.ts";
import type { Pool, PoolClient } from "pg";
import {
  type Account,
  changeAccount,
  endAccount,
  insertAccount,
  isWorkspaceTaken,
  lockAccount,
  selectAccount,
  selectAccounts,
} from "../../accounts/accounts.ts";
import type { SecretWriter } from "../../accounts/secret-store.ts";
import { type AccountSecret, areHeld, insertSecrets, type Purpose, tokenScheme } from "../../accounts/secrets.ts";
import { AdminError } from "../admin-error.ts";
import { type Control, changing } from "../control.ts";
import { getTenant } from "../tenants/operation.ts";

export type { Account } from "../../accounts/accounts.ts";
export type { AccountSecret } from "../../accounts/secrets.ts";

export interface NewAccount {
  tenant: string;
  channelType: string;
  externalId: string;
  displayName?: string | undefined;
  settings?: Record<string, string>;
  ratePerSecond?: number | undefined;
  homeRegion?: string | undefined;
  verification: AccountSecret[];
  credential?: string | undefined;
}

/** What an update may change; what is left out stays. Settings are merged by name. */
interface AccountChange {
  displayName?: string | undefined;
  settings?: Record<string, string>;
  ratePerSecond?: number | undefined;
}

/** `created` is false when the same account was there already. Throws AdminError when it is there with other details. */
export async function createAccount(
  control: Control,
  wanted: NewAccount,
  channelTypes: readonly string[],
): Promise<{ account: Account; created: boolean }> {
  refuseImpossible(wanted, channelTypes);
  const tenant = await getTenant(control.db, wanted.tenant);
  const id = accountIdOf(tenant.id as TenantId, wanted.channelType, wanted.externalId);
  const writer = await control.secrets.forWriting();
  return changing(control, async (client, note) => {
    const inserted = await insertAccount(client, { id, tenantId: tenant.id, ...wanted });
    if (!inserted) {
      const account = await lockedAccount(client, id);
      await refuseOtherDetails(client, writer, account, wanted);
      return { account, created: false };
    }
    await insertSecrets(client, writer, inserted, secretsOf(wanted));
    note({ noun: "account", verb: "create", tenantId: tenant.id, accountId: id, subjectId: id, fields: fieldsOf(wanted) });
    return { account: inserted, created: true };
  }).catch((error: unknown) => {
    throw isWorkspaceTaken(error)
      ? new AdminError("exists", "another live account has this workspace; one workspace belongs to one account")
      : error;
  });
}

/** Throws AdminError when there is no such account. */
export async function updateAccount(
  control: Pick<Control, "db" | "actor">,
  id: string,
  change: AccountChange,
): Promise<{ account: Account; changed: boolean }> {
  return changing(control, async (client, note) => {
    const before = await lockedAccount(client, id);
    const changed = await changeAccount(client, id, change);
    if (changed)
      note({
        noun: "account",
        verb: "update",
        tenantId: before.tenant_id,
        accountId: id,
        subjectId: id,
        fields: fieldsOf(differing(before, change)),
      });
    return { account: changed ?? before, changed: changed !== undefined };
  });
}

/** Within seconds its webhooks are kept aside in quarantine and its commands fail. Throws AdminError when there is no such account. */
export async function disableAccount(
  control: Pick<Control, "db" | "actor">,
  id: string,
): Promise<{ account: Account; changed: boolean }> {
  return changing(control, async (client, note) => {
    const before = await lockedAccount(client, id);
    const ended = await endAccount(client, id);
    if (ended) note({ noun: "account", verb: "disable", tenantId: before.tenant_id, accountId: id, subjectId: id });
    return { account: ended ?? before, changed: ended !== undefined };
  });
}

/** Disabled ones too. Throws AdminError when there is no such tenant. */
export async function listAccounts(db: Pool, tenantSlug?: string): Promise<Account[]> {
  const tenant = tenantSlug === undefined ? undefined : await getTenant(db, tenantSlug);
  return selectAccounts(db, tenant?.id);
}

/** Throws AdminError when there is no such account. */
export async function findAccount(db: Pick<Pool, "query">, id: string): Promise<Account> {
  return (await selectAccount(db, id)) ?? noAccount(id);
}

/** Locks its row until the transaction ends. Throws AdminError when there is no such account. */
export async function lockedAccount(client: PoolClient, id: string): Promise<Account> {
  return (await lockAccount(client, id)) ?? noAccount(id);
}

function noAccount(id: string): never {
  throw new AdminError("not_found", `there is no account ${JSON.stringify(id)}; "mio account list" shows them`);
}

function refuseImpossible(wanted: NewAccount, channelTypes: readonly string[]): void {
  if (!channelTypes.includes(wanted.channelType)) {
    throw new AdminError(
      "invalid",
      `there is no channel type ${JSON.stringify(wanted.channelType)}; there are ${channelTypes.join(", ")}`,
    );
  }
  if (wanted.externalId === "")
    throw new AdminError("invalid", "an account needs the platform's id of its workspace, organisation or bot");
  if (wanted.verification.length === 0)
    throw new AdminError("invalid", "an account needs a secret that verifies its webhooks; nothing is accepted without one");
}

function secretsOf({ verification, credential }: NewAccount): (AccountSecret & { purpose: Purpose })[] {
  const verifying = verification.map((secret) => ({ purpose: "verification" as const, ...secret }));
  const sending = credential === undefined ? [] : [{ purpose: "credential" as const, scheme: tokenScheme, value: credential }];
  return [...verifying, ...sending];
}

/** Of a change, what is not so already. */
function differing(before: Account, { displayName, settings, ratePerSecond }: AccountChange): AccountChange {
  return {
    displayName: displayName === before.display_name ? undefined : displayName,
    settings: Object.fromEntries(Object.entries(settings ?? {}).filter(([name, value]) => before.settings[name] !== value)),
    ratePerSecond: ratePerSecond === before.rate_limit_per_second ? undefined : ratePerSecond,
  };
}

/** The names of what is given, for the audit: settings each by its own name. */
function fieldsOf(given: Partial<NewAccount>): string[] {
  const names: [string, unknown][] = [
    ["display_name", given.displayName],
    ["rate_limit_per_second", given.ratePerSecond],
    ["home_region", given.homeRegion],
    ["verification", given.verification],
    ["credential", given.credential],
  ];
  const settings = Object.keys(given.settings ?? {}).map((name) => `settings.${name}`);
  return [...names.filter(([, value]) => value !== undefined).map(([name]) => name), ...settings];
}

async function refuseOtherDetails(client: PoolClient, writer: SecretWriter, account: Account, wanted: NewAccount): Promise<void> {
  const secrets = secretsOf(wanted);
  const held = await areHeld(client, writer, account.id, secrets);
  const lacks = (purpose: Purpose) => secrets.some((secret, index) => secret.purpose === purpose && held[index] !== true);
  const changeable = [
    wanted.displayName !== undefined && wanted.displayName !== account.display_name && "display name",
    Object.entries(wanted.settings ?? {}).some(([name, value]) => account.settings[name] !== value) && "settings",
    wanted.ratePerSecond !== undefined && wanted.ratePerSecond !== account.rate_limit_per_second && "rate limit",
  ].filter((each) => each !== false);
  const secretDetails = [lacks("verification") && "verification secret", lacks("credential") && "credential"].filter(
    (each) => each !== false,
  );
  const advice = [
    changeable.length > 0 && `other ${changeable.join(", ")}: change it with "mio account update"`,
    secretDetails.length > 0 &&
      `other ${secretDetails.join(", ")}: "mio account create" does not replace a secret; name the present one, or see "mio account rotate-secret"`,
    wanted.homeRegion !== undefined &&
      wanted.homeRegion !== account.home_region &&
      `home region ${account.home_region}: name that one, or change it with "mio account move"`,
    account.disabled_at !== null &&
      "disabled: it cannot be enabled again; its workspace is free for an account of another tenant",
  ].filter((each) => each !== false);
  if (advice.length > 0) throw new AdminError("exists", `account ${account.id} exists with other details (${advice.join("; ")})`);
}
