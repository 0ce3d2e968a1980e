// Our app at each simulated platform that has OAuth, registered at the start and written down as core's configuration wants it.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";

const text = v.string();
const registeredSchema = v.object({
  client_id: text,
  client_secret: text,
  settings: v.record(text, text),
  verification: v.array(v.object({ scheme: text, value: text })),
});
type RegisteredApp = v.InferOutput<typeof registeredSchema>;

const appName = "mio";

/** Registers our app, or finds it registered; undefined where workspaces are not connected by OAuth. */
export async function registerApp(
  simulatorUrl: string,
  channelType: string,
  edgeUrl: string,
): Promise<RegisteredApp | undefined> {
  const path = channelType.replaceAll("_", "-");
  const response = await fetch(`${simulatorUrl}/_control/developer_apps`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      name: appName,
      redirect_uri: `${edgeUrl}/oauth/${path}/callback`,
      webhook_url: `${edgeUrl}/webhooks/${path}`,
    }),
  });
  return response.ok ? v.parse(registeredSchema, await response.json()) : undefined;
}

/** The file for `MIO_OAUTH_APPS_FILE`, for its owner alone. */
export async function writeOAuthApps(
  dataDir: string,
  apps: Readonly<Record<string, RegisteredApp | undefined>>,
): Promise<string> {
  const file = join(dataDir, "oauth-apps.json");
  await writeFile(file, `${JSON.stringify(apps, null, 2)}\n`, { mode: 0o600 });
  return file;
}
