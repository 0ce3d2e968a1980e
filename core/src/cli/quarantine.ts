// `mio quarantine`: what was verified and not understood, to look at and to try again.
import { inboundDoors } from "@mio/shared/channels/doors/inbound.ts";
import { redactBody } from "@mio/shared/channels/kit/redact-body.ts";
import { Command } from "commander";
import { type Account, listAccounts } from "../control/accounts/operation.ts";
import { AdminError } from "../control/admin-error.ts";
import type { Control } from "../control/control.ts";
import { entriesOfReason, findQuarantined, type Kept, listQuarantine } from "../control/quarantine/entries.ts";
import { type Replayed, replayEntry } from "../control/quarantine/operation.ts";
import { channelType, wholeNumber } from "./account.ts";
import { withBus, withDatabase } from "./connection.ts";
import { print, printable } from "./output.ts";

interface ListOptions {
  tenant?: string;
  channel?: string;
  account?: string;
  reason?: string;
  limit: number;
}

interface ReplayOptions {
  allOf?: string;
  account?: string;
  dryRun?: true;
}

const limitDefault = 50;
const personalData = "The body is what a person sent, and may hold personal data.";

export function quarantineCommand(): Command {
  const quarantine = new Command("quarantine").description("Quarantine: webhooks that were verified and not understood.");
  quarantine
    .command("list")
    .description("Lists entries, newest first.")
    .option("--tenant <slug>", "only those of one tenant's accounts")
    .option("--channel <type>", "only those of one channel type", channelType)
    .option("--account <id>", "only those of one account, or of its workspace")
    .option("--reason <text>", "only those whose reason holds this text")
    .option("--limit <n>", `at most so many (default: ${limitDefault})`, wholeNumber)
    .action((options: Partial<ListOptions>, command: Command) => list({ limit: limitDefault, ...options }, command));
  quarantine.command("show <id>").description("Shows one entry with its body, which may hold personal data.").action(show);
  quarantine
    .command("replay [id]")
    .description("Normalises entries again and publishes what comes out. Idempotent: each message appears once. Entries stay.")
    .option("--all-of <reason>", "all entries of exactly this reason, in the order of their arrival")
    .option("--account <id>", "only what belongs to this account; it never gives an entry to another one")
    .option("--dry-run", "say what would be fed, and feed nothing")
    .action(replay);
  return quarantine;
}

async function list(options: ListOptions, command: Command): Promise<void> {
  const { tenant, account, channel, reason, limit } = options;
  const known = inboundDoors.map((door) => door.channel.slug);
  if (channel !== undefined && !known.includes(channel))
    throw new AdminError("invalid", `there is no channel type ${JSON.stringify(channel)}; there are ${known.join(", ")}`);
  const accounts =
    tenant === undefined && account === undefined
      ? undefined
      : await withDatabase(command, ({ db }) => accountsOf(db, tenant, account));
  const found = await withBus(command, (bus) => listQuarantine(bus, { channelType: channel, reason, accounts }, limit));
  const entries = found.map(summaryOf);
  print(
    command,
    { entries },
    {
      columns: ["id", "received_at", "channel_type", "account_id", "workspace", "reason", "bytes"],
      rows: entries.map((each) => [
        each.id,
        each.received_at,
        each.channel_type,
        each.account_id || "-",
        each.workspace || "-",
        each.reason,
        String(each.body_bytes),
      ]),
      empty: "no entries match",
    },
  );
}

async function accountsOf(db: Control["db"], tenant: string | undefined, id: string | undefined): Promise<Account[]> {
  const accounts = await listAccounts(db, tenant);
  const found = id === undefined ? accounts : accounts.filter((account) => account.id === id);
  if (id !== undefined && found.length === 0)
    throw new AdminError("not_found", `there is no account ${JSON.stringify(id)}; "mio account list" shows them`);
  return found;
}

async function show(id: string, _options: unknown, command: Command): Promise<void> {
  const kept = await withBus(command, (bus) => findQuarantined(bus, id));
  const summary = summaryOf(kept);
  if (kept.content.kind === "unreadable") return print(command, summary, fieldsOf(summary));
  const { entry } = kept.content;
  const { method, path, region, headers } = entry;
  // An older edge may not have known that a field is a secret.
  const door = inboundDoors.find((each) => each.channel.slug === entry.channelType);
  const body = bodyOf(redactBody(Uint8Array.from(entry.body), door?.secretBodyFields ?? []));
  const request = { verified_by: entry.verifiedBy, region, method, path };
  print(
    command,
    { ...summary, ...request, headers, ...body, notice: personalData },
    fieldsOf({ ...summary, ...request, ...headers }),
  );
  if (command.optsWithGlobals().json === true) return;
  console.log(`\n${personalData} As ${body.body_encoding}:\n\n${printable(body.body, "lines")}`);
}

async function replay(id: string | undefined, options: ReplayOptions, command: Command): Promise<void> {
  const { allOf, account, dryRun = false } = options;
  if ((id === undefined) === (allOf === undefined))
    throw new AdminError("invalid", 'say either the id of one entry or --all-of <reason>; "mio quarantine list" shows both');
  const replayed = await withDatabase(command, async ({ db, actor }) => {
    if (account !== undefined) await accountsOf(db, undefined, account);
    return withBus(command, async (bus) => {
      const tools = { bus, db, actor, doors: inboundDoors };
      if (id !== undefined) return [await replayEntry(tools, await findQuarantined(bus, id), { dryRun, accountId: account })];
      const results: Replayed[] = [];
      for await (const kept of entriesOfReason(bus, allOf ?? "")) {
        const result = await replayEntry(tools, kept, { dryRun, accountId: account });
        if (result.outcome !== "other_account") results.push(result);
      }
      return results;
    });
  });
  if (replayed.length === 0)
    throw new AdminError(
      "not_found",
      `no entry${account === undefined ? "" : " of this account"} has the reason ${JSON.stringify(allOf)}; "mio quarantine list" shows them`,
    );
  const entries = replayed.map(({ accountId, messageIds, ...rest }) => ({
    ...rest,
    account_id: accountId,
    message_ids: messageIds,
  }));
  print(
    command,
    { entries },
    {
      columns: ["id", "outcome", "account_id", "message ids, or why not"],
      rows: entries.map((each) => [each.id, each.outcome, each.account_id || "-", each.reason || each.message_ids.join(" ")]),
    },
  );
  if (replayed.some(({ outcome }) => outcome === "refused" || outcome === "other_account")) process.exitCode = 1;
}

function summaryOf({ id, channelType: channel, receivedAtMs, content }: Kept) {
  const entry = content.kind === "entry" ? content.entry : undefined;
  return {
    id,
    received_at: new Date(receivedAtMs).toISOString(),
    channel_type: channel,
    tenant_id: entry?.tenantId ?? "",
    account_id: entry?.accountId ?? "",
    workspace: entry?.workspaceExternalId ?? "",
    reason: content.kind === "entry" ? content.entry.reason : `unreadable: ${content.reason}`,
    body_bytes: entry?.body.length ?? 0,
  };
}

function fieldsOf(fields: Readonly<Record<string, string | number>>) {
  return { columns: ["field", "value"], rows: Object.entries(fields).map(([name, value]) => [name, String(value) || "-"]) };
}

function bodyOf(bytes: Uint8Array): { body_encoding: "text" | "base64"; body: string } {
  try {
    return { body_encoding: "text", body: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { body_encoding: "base64", body: Buffer.from(bytes).toString("base64") };
  }
}
