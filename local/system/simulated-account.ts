// One account on a simulated platform: our app is installed there, and what the installation gives makes the account. Ids are computed, so
// they are known before there is a database.
import type { InstalledApp } from "@mio/shared/channels/contract/simulator.ts";
import { type AccountId, accountIdOf, type TenantId, tenantIdOf } from "@mio/shared/ids.ts";
import * as v from "valibot";

/** The tenant that the local system's accounts belong to. */
export const localTenant = "local";
const appName = "mio";

export interface SimulatedAccount {
  channelType: string;
  tenantId: TenantId;
  accountId: AccountId;
  webhookUrl: string;
  app: InstalledApp;
}

const installedSchema = v.object({
  appId: v.string(),
  account: v.object({
    externalId: v.string(),
    displayName: v.string(),
    settings: v.record(v.string(), v.string()),
    secrets: v.array(v.object({ scheme: v.string(), value: v.string() })),
    credential: v.string(),
  }),
});

/** Installs our app, or finds it installed, and points its webhooks at the account's own URL at the edge. */
export async function installApp(simulatorUrl: string, channelType: string, edgeUrl: string): Promise<SimulatedAccount> {
  const channelUrl = `${edgeUrl}/webhooks/${channelType.replaceAll("_", "-")}`;
  const first = await install(simulatorUrl, channelUrl);
  const tenantId = tenantIdOf(localTenant);
  const accountId = accountIdOf(tenantId, channelType, first.account.externalId);
  const webhookUrl = `${channelUrl}/${accountId}`;
  return { channelType, tenantId, accountId, webhookUrl, app: await install(simulatorUrl, webhookUrl) };
}

async function install(simulatorUrl: string, webhookUrl: string): Promise<InstalledApp> {
  const response = await fetch(`${simulatorUrl}/_control/apps`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: appName, webhook_url: webhookUrl }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`the simulator at ${simulatorUrl} did not install our app: ${response.status} ${text}`);
  return v.parse(installedSchema, JSON.parse(text));
}
