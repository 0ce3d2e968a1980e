// `mio install`: a link for the people of a workspace, by which they connect it themselves, and what came of it.
import { installDoors } from "@mio/shared/channels/doors/install.ts";
import { clockOf } from "@mio/shared/clock.ts";
import { randomOf } from "@mio/shared/random.ts";
import { Command } from "commander";
import { getInstall, type Install, installMinutes, listInstalls, startInstall } from "../control/installs/operation.ts";
import { channelType, openDoors, wholeNumber } from "./account.ts";
import { oauthSettings, withDatabase } from "./connection.ts";
import { print } from "./output.ts";

const limitDefault = 50;

export function installCommand(): Command {
  const install = new Command("install").description("Installs: links by which people connect their workspace by OAuth.");
  install
    .command("start")
    .description(`Makes a link for one workspace. It works once, for ${installMinutes} minutes; whoever has it connects theirs.`)
    .requiredOption("--tenant <slug>", "the tenant that the workspace is for")
    .requiredOption("--channel <type>", "channel type", channelType)
    .addHelpText(
      "after",
      `
The platform must know the address that is printed as redirect_uri. Needs MIO_EDGE_URL, the edge as people reach it, and
MIO_OAUTH_APPS, or a file that MIO_OAUTH_APPS_FILE names, the same as core has: {"<channel>": {"client_id": "…",
"client_secret": "…", "scopes": ["…"], "verification": [{"scheme": "…", "value": "…"}]}}. "verification" is what the platform
signs the webhooks of all workspaces of the app with; "scopes" may be left out.`,
    )
    .action(start);
  install
    .command("list")
    .description("Lists installs, newest first.")
    .option("--tenant <slug>", "only those of one tenant")
    .option("--limit <n>", `at most so many (default: ${limitDefault})`, wholeNumber)
    .action(async (options: { tenant?: string; limit?: number }, command: Command) => {
      const { tenant, limit = limitDefault } = options;
      const installs = await withDatabase(command, ({ db }) => listInstalls(db, tenant, limit));
      print(
        command,
        { installs },
        {
          columns: ["id", "created_at", "channel_type", "tenant", "status", "workspace"],
          rows: installs.map((each) => [
            each.id,
            each.created_at.toISOString(),
            each.channel_type,
            each.tenant_name,
            each.status,
            each.workspace_name || "-",
          ]),
          empty: 'no installs yet; make one with "mio install start"',
        },
      );
    });
  install
    .command("show <id>")
    .description("Shows one install: whether it waits, and what came of it.")
    .action(async (id: string, _options: unknown, command: Command) => {
      const found = await withDatabase(command, ({ db }) => getInstall(db, id));
      print(command, found, fieldsOf({ ...shown(found), "what to do": adviceFor(found) }));
    });
  return install;
}

async function start(options: { tenant: string; channel: string }, command: Command): Promise<void> {
  const { edgeUrl, apps } = await oauthSettings(command);
  const random = randomOf(globalThis.crypto);
  const started = await withDatabase(command, ({ db, actor }) =>
    startInstall(
      { db, actor, doors: openDoors(installDoors), apps, random },
      { tenant: options.tenant, channelType: options.channel, edgeUrl },
    ),
  );
  const { expires_at: expiresAt, ...rest } = started;
  const minutes = Math.round((expiresAt.getTime() - clockOf(globalThis).nowMs()) / 60_000);
  print(command, started, fieldsOf({ ...rest, expires: `${expiresAt.toISOString()}, in ${minutes} minutes` }));
}

function shown(install: Install): Record<string, string> {
  return Object.fromEntries(
    Object.entries(install).map(([name, value]) => [name, value instanceof Date ? value.toISOString() : String(value ?? "")]),
  );
}

function adviceFor(install: Install): string {
  const { status, reason } = install;
  switch (status) {
    case "waiting":
    case "denied":
      return "the link may still be opened";
    case "in_progress":
      return "look again in a few seconds";
    case "connected":
      return connectedAdvice(install);
    case "taken":
      return reason === "another_tenant"
        ? "the workspace is another tenant's; disable that account first"
        : "the tenant's account of this workspace is disabled, and cannot be enabled again";
    case "rejected":
      return "see the reason; check the app's client id, secret and redirect address, then start another install";
    case "expired":
    case "interrupted":
      return "start another install";
  }
}

/** What the platform did not bring. */
function connectedAdvice({ account_id: id, receives, credential_ends_at: endsAt }: Install): string {
  const advice = [
    !receives &&
      `no webhook is accepted yet: "mio account rotate-secret ${id} --verification scheme=@file" with what the platform signs`,
    endsAt !== null && `nothing renews its credential yet, which ends at ${endsAt.toISOString()}: connect it again by then`,
  ].filter((each) => each !== false);
  return advice.join("; ") || "nothing";
}

function fieldsOf(fields: Readonly<Record<string, string>>) {
  return { columns: ["field", "value"], rows: Object.entries(fields).map(([name, value]) => [name, value || "-"]) };
}
