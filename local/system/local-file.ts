// `local.json` in the data folder: where everything of a running local system is, for scripts, benches and tests. It holds secrets, so only
// its owner may read it, and it is there exactly while the system is ready.
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";

const accountSchema = v.object({
  channel_type: v.string(),
  tenant_id: v.string(),
  account_id: v.string(),
  /** The simulator's app, for its control API. */
  app_id: v.string(),
  webhook_url: v.string(),
  /** What signs a webhook for this account. */
  scheme: v.string(),
  secret: v.string(),
});

const localSystemSchema = v.object({
  edge: v.string(),
  nats: v.string(),
  nats_websocket: v.string(),
  postgres: v.string(),
  /** Base URL by channel type. */
  simulators: v.record(v.string(), v.string()),
  core: v.string(),
  accounts: v.array(accountSchema),
  /** A file with our apps at the simulated platforms, as `MIO_OAUTH_APPS_FILE` names it. */
  oauth_apps: v.string(),
  /** A file with what seals accounts' secrets, as `MIO_SECRET_KEYS_FILE` names it. */
  secret_keys: v.string(),
  /** An operator of the bus: may publish and hear everything. */
  operator: v.object({ user: v.string(), password: v.string(), inbox_prefix: v.string() }),
  /** Process ids by part; `starter` started them all. */
  pids: v.record(v.string(), v.number()),
  data: v.string(),
});

export type LocalSystem = v.InferOutput<typeof localSystemSchema>;
export type LocalAccount = v.InferOutput<typeof accountSchema>;

export function localFileOf(dataDir: string): string {
  return join(dataDir, "local.json");
}

/** Undefined when no system is ready there. Throws one line when the file is not of this form. */
export async function readLocalFile(dataDir: string): Promise<LocalSystem | undefined> {
  const text = await readFile(localFileOf(dataDir), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const parsed = v.safeParse(localSystemSchema, parseJson(text));
  if (!parsed.success) throw new Error(`${localFileOf(dataDir)} is not of this version: stop that system and start it again`);
  return parsed.output;
}

export async function writeLocalFile(dataDir: string, system: LocalSystem): Promise<void> {
  const file = localFileOf(dataDir);
  await writeFile(`${file}.new`, `${JSON.stringify(system, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

export async function removeLocalFile(dataDir: string): Promise<void> {
  await rm(localFileOf(dataDir), { force: true });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
