// `mio account`: a tenant's places on platforms.

import type { Channel } from "@mio/shared/channels/contract/channel.ts";
import { doorsIn } from "@mio/shared/channels/doors/doors-in.ts";
import { outboundDoors } from "@mio/shared/channels/doors/outbound.ts";
import { Command, InvalidArgumentError, Option } from "commander";
import { cancelMove, type Move, moveAccount, readMove, shardsMax } from "../control/accounts/move.ts";
import {
  type Account,
  type AccountSecret,
  createAccount,
  disableAccount,
  findAccount,
  listAccounts,
  type NewAccount,
  updateAccount,
} from "../control/accounts/operation.ts";
import { overlapDaysMax, rotateSecret } from "../control/accounts/rotate-secret.ts";
import { AdminError } from "../control/admin-error.ts";
import { withDatabase, withSecrets } from "./connection.ts";
import { print } from "./output.ts";
import { secretInput } from "./secret-input.ts";

interface CreateOptions {
  tenant: string;
  channel: string;
  externalId: string;
  displayName?: string;
  setting: Record<string, string>;
  /** `scheme=<source>`. */
  verification: string[];
  /** Where it comes from; true: it is asked for. */
  credential?: string | true;
  rate?: number;
  region?: string;
}

interface UpdateOptions {
  displayName?: string;
  setting: Record<string, string>;
  rate?: number;
}

interface MoveOptions {
  region?: string;
  shards?: number;
  cancel?: true;
}

interface RotateOptions {
  /** `scheme=<source>`. */
  verification: string;
  /** In milliseconds. */
  overlap: number;
}

const dayMs = 86_400_000;
const sources = "scheme=@file, scheme=- (standard input) or scheme= (asks)";

/** Secrets are taken and never printed. */
export function accountCommand(): Command {
  const account = new Command("account").description("Accounts: a tenant's places on platforms.");
  account
    .command("create")
    .description("Creates an account. Idempotent.")
    .requiredOption("--tenant <slug>", "the tenant that owns it")
    .requiredOption("--channel <type>", `channel type: ${channelTypes().join(", ")}`, channelType)
    .requiredOption("--external-id <id>", "the platform's id of the workspace, organisation or bot")
    .requiredOption("--verification <scheme=source>", `what verifies its webhooks, ${sources}; may be repeated`, collect, [])
    .option("--credential [source]", "the token that sends, from @file, - or a prompt; without it the account only receives")
    .option("--display-name <name>", "name for people")
    .option("--setting <name=value>", "a setting of the channel; may be repeated", collectSetting, {})
    .option("--rate <per second>", "requests a second at most; the channel's own limit when left out", wholeNumber)
    .option("--region <name>", "home region of its conversations (default: local)")
    .action(async (options: CreateOptions, command: Command) => {
      const wanted = {
        tenant: options.tenant,
        channelType: options.channel,
        externalId: options.externalId,
        displayName: options.displayName,
        settings: options.setting,
        ratePerSecond: options.rate,
        homeRegion: options.region,
        ...(await secretsOf(options)),
      };
      const { account: made, created } = await withSecrets(command, (control) => createAccount(control, wanted, channelTypes()));
      print(command, { ...made, created }, table([made]));
    });
  account
    .command("update <id>")
    .description("Changes an account; what is left out stays.")
    .option("--display-name <name>", "name for people")
    .option("--setting <name=value>", "a setting of the channel; may be repeated", collectSetting, {})
    .option("--rate <per second>", "requests a second at most", wholeNumber)
    .action(async (id: string, options: UpdateOptions, command: Command) => {
      const change = { displayName: options.displayName, settings: options.setting, ratePerSecond: options.rate };
      const { account: updated, changed } = await withDatabase(command, (control) => updateAccount(control, id, change));
      print(command, { ...updated, changed }, table([updated]));
    });
  account
    .command("rotate-secret <id>")
    .description("Replaces what verifies webhooks; old secrets of its scheme stay valid for the overlap. Idempotent.")
    .requiredOption("--verification <scheme=source>", `the new secret, ${sources}`)
    .addOption(
      new Option("--overlap <time>", `how long the old ones stay valid: 90s, 30m, 24h or 7d, at most ${overlapDaysMax}d`)
        .argParser(duration)
        .default(dayMs, "24h"),
    )
    .addHelpText("after", "\nRun it before the platform changes to the new secret; the edge knows it within ten seconds.")
    .action(async (id: string, options: RotateOptions, command: Command) => {
      const verification = await secretInput().verification(options.verification);
      const rotated = await withSecrets(command, (control) => rotateSecret(control, id, verification, options.overlap));
      const { account: of, changed, secrets } = rotated;
      const rows = secrets.map(({ scheme, not_after }) => [scheme, not_after?.toISOString() ?? "replaced"]);
      print(command, { account_id: of.id, changed, secrets }, { columns: ["scheme", "valid until"], rows });
    });
  account
    .command("move <id>")
    .description("Moves an account's conversations to another region or number of shards, while webhooks come in. Idempotent.")
    .option("--region <name>", "the new home region")
    .option("--shards <count>", `over how many uplinks it is spread, from 1 to ${shardsMax}`, wholeNumber)
    .option("--cancel", "moves it back, while its move is not over")
    .addHelpText(
      "after",
      "\nFor about a second the platform hears 503 for conversations that change their place, and repeats. An edge that is cut off goes over when it is back.",
    )
    .action(async (id: string, { region, shards, cancel }: MoveOptions, command: Command) => {
      if (cancel ? region !== undefined || shards !== undefined : region === undefined && shards === undefined)
        throw new AdminError("invalid", "name where it moves, with --region or --shards or both; or --cancel alone");
      const moved = await withDatabase(command, (control) =>
        cancel ? cancelMove(control, id) : moveAccount(control, id, { region, shards }),
      );
      print(command, { ...moved.account, move: moved.move, changed: moved.changed }, layoutTable(moved.account, moved.move));
    });
  account
    .command("show <id>")
    .description("Shows an account, where its conversations are, and for what a move of it waits.")
    .action(async (id: string, _options: unknown, command: Command) => {
      const [found, move] = await withDatabase(command, async ({ db }) => {
        const shown = await findAccount(db, id);
        return [shown, await readMove(db, shown)] as const;
      });
      print(command, { ...found, move }, layoutTable(found, move));
    });
  account
    .command("list")
    .description("Lists accounts.")
    .option("--tenant <slug>", "only those of one tenant")
    .action(async (options: { tenant?: string }, command: Command) => {
      const accounts = await withDatabase(command, ({ db }) => listAccounts(db, options.tenant));
      print(command, { accounts }, { ...table(accounts), empty: 'no accounts yet; make one with "mio account create"' });
    });
  account
    .command("disable <id>")
    .description("Stops an account: its webhooks go to quarantine and its commands fail. Idempotent.")
    .action(async (id: string, _options: unknown, command: Command) => {
      const { account: disabled, changed } = await withDatabase(command, (control) => disableAccount(control, id));
      print(command, { ...disabled, changed }, table([disabled]));
    });
  return account;
}

/** One line a fact, for people. */
function layoutTable(account: Account, { layout_version, moved_at, previous, closed_by, waits_for }: Move) {
  const waiting = Map.groupBy(waits_for, ({ edge }) => edge);
  const facts: [string, string][] = [
    ["id", account.id],
    ["channel_type", account.channel_type],
    ["external_id", account.external_id],
    ["display_name", account.display_name],
    ["disabled", account.disabled_at?.toISOString() ?? "-"],
    ["layout", layoutText(account.home_region, account.shard_count)],
    ["layout version", String(layout_version)],
  ];
  if (moved_at !== null) {
    facts.push(["before", previous.map(({ region, shard_count }) => layoutText(region, shard_count)).join(", ")]);
    facts.push(["moved", `${moved_at.toISOString()}, ${waits_for.length === 0 ? "over" : "not over"}`]);
    facts.push(["edges gone over", closed_by.join(", ") || "none yet"]);
    for (const [edge, shards] of waiting)
      facts.push(["waits for", `edge ${edge}, shards ${shards.map(({ region, shard }) => `${region}.${shard}`).join(" ")}`]);
  }
  return { columns: ["what", "value"], rows: facts };
}

function layoutText(region: string, shards: number): string {
  return `${region} x ${shards}`;
}

function table(accounts: readonly Account[]) {
  return {
    columns: ["id", "channel_type", "external_id", "display_name", "layout", "disabled"],
    rows: accounts.map((each) => [
      each.id,
      each.channel_type,
      each.external_id,
      each.display_name,
      layoutText(each.home_region, each.shard_count),
      each.disabled_at?.toISOString() ?? "-",
    ]),
  };
}

/** Those that core opens: a local system, found by its data folder, has more than others. `production` is core's own default. */
export function openDoors<Door extends { channel: Pick<Channel, "localOnly"> }>(doors: readonly Door[]): Door[] {
  return doorsIn(process.env.MIO_ENV || (process.env.MIO_POSTGRES_DSN === undefined ? "local" : "production"), doors);
}

function channelTypes(): string[] {
  return openDoors(outboundDoors).map((door) => door.channel.slug);
}

/** The slug; a hyphen is taken for an underscore, as in URL paths. */
export function channelType(text: string): string {
  return text.replaceAll("-", "_");
}

function collectSetting(text: string, before: Record<string, string>): Record<string, string> {
  const [name, value] = pair(text, "a setting has the form name=value");
  return { ...before, [name]: value };
}

function collect(text: string, before: string[]): string[] {
  return [...before, text];
}

/** One after the other, for each may be asked for. */
async function secretsOf({ verification, credential }: CreateOptions): Promise<Pick<NewAccount, "verification" | "credential">> {
  const input = secretInput();
  const verifying: AccountSecret[] = [];
  for (const given of verification) verifying.push(await input.verification(given));
  return { verification: verifying, credential: credential === undefined ? undefined : await input.credential(credential) };
}

/** In milliseconds. */
function duration(text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: dayMs }[unit ?? ""];
  if (unitMs === undefined) throw new InvalidArgumentError("a time is like 90s, 30m, 24h or 7d");
  return Number(count) * unitMs;
}

function pair(text: string, form: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError(form);
  return [text.slice(0, at), text.slice(at + 1)];
}

export function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError("a whole number from 1 to 999999");
  return Number(text);
}
