// A workspace whose people agreed becomes an account, or the tenant's account of it gets the new credential. Together with the install's
// end it is one transaction; a workspace that belongs to somebody else stays where it is.
import type { Exchanged } from "@mio/shared/channels/contract/install.ts";
import { accountIdOf, type TenantId } from "@mio/shared/ids.ts";
import type { PoolClient } from "pg";
import { changeAccount, insertAccount, isWorkspaceTaken, lockAccount } from "../../accounts/accounts.ts";
import type { SecretWriter } from "../../accounts/secret-store.ts";
import { replaceTokens, type SecretOwner, tokenScheme } from "../../accounts/secrets.ts";
import type { ConnectedApp } from "../../process/oauth-apps.ts";
import { type Control, changing } from "../control.ts";
import { finishInstall, type Install } from "./operation.ts";

type Connected = Extract<Exchanged, { kind: "connected" }>;

const nameLengthMax = 200;

/** `taken`: by another tenant's live account, or by a disabled one of this tenant, which cannot be enabled again. */
export async function connectAccount(
  { db, secrets }: Pick<Control, "db" | "secrets">,
  install: Install,
  app: ConnectedApp,
  workspace: Connected,
): Promise<{ kind: "connected"; accountId: string } | { kind: "taken"; reason: string }> {
  const workspaceName = workspace.displayName.slice(0, nameLengthMax).toWellFormed();
  const taken = async (reason: string) => {
    await finishInstall(db, install.id, { result: "taken", reason, workspaceName });
    return { kind: "taken" as const, reason };
  };
  try {
    const writer = await secrets.forWriting();
    const actor = { kind: "oauth" as const, id: install.id };
    const accountId = await changing({ db, actor }, async (client, note) => {
      const id = await accountOf(client, install, workspace, workspaceName);
      if (id === undefined) return undefined;
      await replaceSecrets(client, writer, { id, tenant_id: install.tenant_id }, app, workspace);
      note({
        noun: "account",
        verb: "connect",
        tenantId: install.tenant_id,
        accountId: id,
        subjectId: id,
        fields: connectedFields(workspace),
      });
      await finishInstall(client, install.id, { result: "connected", workspaceName, accountId: id });
      return id;
    });
    return accountId === undefined ? await taken("account_disabled") : { kind: "connected", accountId };
  } catch (error) {
    if (!isWorkspaceTaken(error)) throw error;
    return taken("another_tenant");
  }
}

/** Undefined when it is there and disabled. */
async function accountOf(
  client: PoolClient,
  install: Install,
  workspace: Connected,
  displayName: string,
): Promise<string | undefined> {
  const id = accountIdOf(install.tenant_id as TenantId, install.channel_type, workspace.externalId);
  const inserted = await insertAccount(client, {
    id,
    tenantId: install.tenant_id,
    channelType: install.channel_type,
    externalId: workspace.externalId,
    displayName: displayName === "" ? workspace.externalId : displayName,
    settings: workspace.settings,
  });
  if (inserted) return id;
  const before = await lockAccount(client, id);
  if (before === undefined || before.disabled_at !== null) return undefined;
  await changeAccount(client, id, { settings: workspace.settings });
  return id;
}

/** Of the credential only the newest is kept. */
async function replaceSecrets(
  client: PoolClient,
  writer: SecretWriter,
  owner: SecretOwner,
  app: ConnectedApp,
  workspace: Connected,
): Promise<void> {
  const { credential, expiresInSeconds: endsInSeconds, refreshToken } = workspace;
  await replaceTokens(client, writer, owner, [
    ...app.verification.map((secret) => ({ purpose: "verification" as const, ...secret })),
    { purpose: "credential", scheme: tokenScheme, value: credential, endsInSeconds },
    ...(refreshToken === undefined ? [] : [{ purpose: "refresh" as const, scheme: tokenScheme, value: refreshToken }]),
  ]);
}

function connectedFields({ settings, refreshToken }: Connected): string[] {
  const secrets = ["verification", "credential", ...(refreshToken === undefined ? [] : ["refresh"])];
  return [...secrets, ...Object.keys(settings).map((name) => `settings.${name}`)];
}
