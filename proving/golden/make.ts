// Makes the golden state anew: `node proving/golden/make.ts`, by hand, for a release. A real system lives for a while and is then taken apart
// from the back to the front, so that something is left at every stage; what lies on its disks at the end is kept.

import { spawnSync } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createSecretStore } from "@mio/core/accounts/secret-store.ts";
import { moveAccount, readMove } from "@mio/core/control/accounts/move.ts";
import { createAccount, disableAccount } from "@mio/core/control/accounts/operation.ts";
import { rotateSecret } from "@mio/core/control/accounts/rotate-secret.ts";
import type { Control } from "@mio/core/control/control.ts";
import { createTenant } from "@mio/core/control/tenants/operation.ts";
import { migrate } from "@mio/core/db/migrate.ts";
import { startPostgres } from "@mio/local/servers/postgres.ts";
import { secretKeysOf } from "@mio/local/system/sealing-keys.ts";
import { type SendCommand, SendCommandSchema } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import { outboundMessageId } from "@mio/shared/bus/names/headers.ts";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { ingressSubject, subjectOf } from "@mio/shared/bus/names/subjects.ts";
import { encodeCommand, schemaVersion } from "@mio/shared/bus/wire/envelope.ts";
import { parseSealingKeys } from "@mio/shared/bus/wire/sealed-value.ts";
import { conversationIdOf, tenantIdOf, ulidOf } from "@mio/shared/ids.ts";
import { Client, Pool } from "pg";
import * as v from "valibot";
import { connectOperator, StreamWitness } from "../judge/witness.ts";
import { type NatsConnection, nanos } from "../kit/bus/client.ts";
import { openedSecrets } from "../kit/database/secrets.ts";
import { eventually } from "../kit/time/eventually.ts";
import { commandStates, type Expected, fingerprintOf } from "./expected.ts";
import { answerCounts, ask, botTexts, type Conversation, repeat, rewrite } from "./people.ts";
import { dumpOf, rowCounts } from "./postgres-dump.ts";
import { spooledRows } from "./spool-files.ts";
import { pack } from "./state.ts";
import {
  type App,
  type Channel,
  channels,
  edgePorts,
  type Host,
  hosts,
  installApp,
  startAgent,
  startBus,
  startCore,
  startEdge,
  startPlatform,
  tenant,
  urlOf,
} from "./system.ts";

/** The provisioner never shortens an age, so what is to be kept this long is still there whenever a later version opens it. */
const keptMs = 100 * 365 * 86_400_000;
/** Longer than taking the system apart lasts, and over when anybody opens the state. */
const heldBackMs = 60_000;
const deadlineMs = 120_000;
/** Of these, people write in one conversation only: they take a message a second or less. */
const slowChannels: readonly Channel[] = ["telegram", "zoho_cliq"];

type Times = Pick<MessageInitShape<typeof SendCommandSchema>, "notBefore" | "expiresAt">;

const folder = await mkdtemp(join(tmpdir(), "mio-golden-"));
// Postgres runs as another user when we are root, and must be able to pass through.
await chmod(folder, 0o711);
await using stack = new AsyncDisposableStack();
stack.defer(() => rm(folder, { recursive: true, force: true }));

console.log("a system with both hosts starts");
const ports = await edgePorts();
const platforms = await Promise.all(channels.map(async (channel) => stack.use(await startPlatform(folder, channel))));
const apps: App[] = [];
for (const platform of platforms) for (const host of hosts) apps.push(await installApp(platform, host, urlOf(ports[host])));
const gone = await installApp(appOf("test", "worker").platform, "worker", urlOf(ports.worker), "gone");

const postgres = stack.use(await startPostgres({ dataDir: join(folder, "postgres"), fsync: false }));
const db = new Pool({ connectionString: postgres.dsn, max: 4 });
db.on("error", () => undefined);
stack.defer(() => db.end());
await migrate(postgres.dsn);
const secrets = createSecretStore(db, parseSealingKeys((await secretKeysOf(folder)).text) ?? []);
const control: Control = { db, secrets, actor: { kind: "start", id: "golden" } };
await register();

const accountIds = apps.map(({ accountId }) => accountId);
const { nats, access } = await startBus(folder, accountIds);
stack.use(nats);
const system = { folder, nats, access, dsn: postgres.dsn };
// The first makes the streams.
const ingest = stack.use(await startCore(system, "ingest", ["dedup", "admin", "telemetry"]));
const vault = stack.use(await startCore(system, "vault", ["media-vault"]));
const sender = stack.use(await startCore(system, "sender", ["sender"]));
const edges = [];
for (const host of hosts) edges.push(stack.use(await startEdge(system, host, ports[host])));
const agent = stack.use(await startAgent(system, accountIds));
const { user, password, inboxPrefix } = access.operator;
const bus = await connectOperator({ url: nats.url, user, password, inboxPrefix });
stack.defer(() => bus.close());
const inbound = new StreamWitness(bus, streams.inbound.name);
const enriched = new StreamWitness(bus, streams.enriched.name);

const conversations = apps.flatMap((app) =>
  (slowChannels.includes(app.platform.channelType) ? ["a"] : ["a", "b"]).map((room) => conversationOf(app, room)),
);
/** Nobody wrote there before the outage. */
const late = apps.map((app) => conversationOf(app, "late"));
const commands: { command: SendCommand; text: string }[] = [];

console.log("questions are asked and answered, one is rewritten");
await all((each) => ask(each, "answered"));
await all((each) => ask(each, "answered"));
await all((each) => rewrite(each, 0, "answered"));
await all((each) => until(`${each.name} is answered`, async () => (await answerCounts(each)).every((count) => count === 1)));
await until("nothing is in the sender's hands", async () => (await countOf("queued")) + (await countOf("sending")) === 0);

console.log("an account moves; somebody writes to a disabled one; nonsense gets onto the bus; an answer never comes");
await move(appOf("test", "node"));
await gone.platform.control("POST", "messages", {
  app_id: gone.installed.appId,
  conversation: "gone",
  user: "ann",
  text: "hello?",
});
await bus.jetstream().publish(ingressSubject("worker", 0), Buffer.from([0xff]));
await bus.jetstream().publish(outboundSubject(conversationAt("test", "worker")), Buffer.from([0xff]), { msgID: "nonsense" });
await appOf("telegram", "worker").platform.control("POST", "faults", { kind: "answer_lost", count: 1 });
await command(conversationAt("telegram", "worker"), "unknown");
await until("the outcome of a command is unknown", async () => (await countOf("unknown")) === 1);
await until(
  "there are dead letters of dedup and of the sender",
  async () => (await subjectsOn(streams.deadLetter.name)).length === 2,
);
await until("something is in quarantine", async () => (await subjectsOn(streams.quarantine.name)).length === 1);

console.log("the agent stops, then media-vault; people go on writing");
await agent.stop();
await all((each) => ask(each, "enriched"));
await reached(enriched);
await vault.stop();
await all((each) => ask(each, "inbound"));
await reached(inbound);

console.log("commands wait for their time or for the platform's leave; the sender is killed in the middle of two calls");
for (const app of apps) {
  const place = conversationAt(app.platform.channelType, app.host);
  const slow = slowChannels.includes(app.platform.channelType);
  if (slow) await app.platform.control("POST", "faults", { kind: "rate_limited", count: 100_000, ms: heldBackMs });
  await command(place, "waits", slow ? {} : { notBefore: timestampFromMs(Date.now() + heldBackMs) });
  await command(place, "expires", { expiresAt: timestampFromMs(Date.now() + heldBackMs) });
}
await until("the ledger holds them", async () => (await countOf("queued")) === 2 * apps.length);
await until("a platform has said wait", async () => (await rowsOf("select 1 from sender_budgets", v.unknown())).length > 0);
const interrupted = (["slack", "test"] as const).map((channel) => conversationAt(channel, "worker", "b"));
for (const place of interrupted) {
  await place.app.platform.control("POST", "faults", { kind: "answer_lost", count: 1 });
  await command(place, "interrupted");
}
for (const place of interrupted)
  await until("a call is carried out", async () => (await botTexts(place)).includes(textOfCommand(place, "interrupted")));
await sender.kill();
if ((await countOf("sending")) < interrupted.length) throw new Error("the sender was killed too late: try again");
for (const app of apps) await command(conversationAt(app.platform.channelType, app.host), "not-taken-in");

console.log("dedup stops; people go on writing");
await ingest.stop();
await all((each) => ask(each, "ingress"));

console.log("the bus stops; people go on writing, and platforms repeat what was told before");
const messages = await messageCounts(bus);
const [quarantine, deadLetters] = [await subjectsOn(streams.quarantine.name), await subjectsOn(streams.deadLetter.name)];
await keepForLong(bus);
await bus.close();
await nats.stop();
await all((each) => repeat(each, 1));
await all((each) => ask(each, "spool"));
await all((each) => ask(each, "spool"), late);
await all((each) => rewrite(each, 3, "spool"));
await all((each) => repeat(each, -2));

console.log("the rest stops");
for (const edge of edges) await edge.stop();
for (const platform of platforms) await platform[Symbol.asyncDispose]();
const client = new Client({ connectionString: postgres.dsn });
await client.connect();
const expected = await expectation();
const dump = await dumpOf(client);
await client.end();
for (const [table, rows] of Object.entries(expected.tables))
  if (rows === 0) throw new Error(`${table} has no rows: nobody would see them lost`);
await pack(folder, dump, expected);
console.log(
  JSON.stringify({ messages, spooled: expected.spooled, commands: expected.commands.length, tables: expected.tables }, null, 1),
);

async function register(): Promise<void> {
  await createTenant(control, tenant);
  await createTenant(control, "idle");
  for (const { platform, host, installed } of [...apps, gone]) {
    const { externalId, displayName, settings, secrets, credential } = installed.account;
    const wanted = { tenant, channelType: platform.channelType, externalId, displayName, settings, homeRegion: host };
    await createAccount(control, { ...wanted, verification: secrets, credential }, channels);
  }
  await disableAccount(control, gone.accountId);
  // The platform signs with the new secret, and the old one is still valid for a while.
  const { platform, host, accountId, webhookUrl, installed } = appOf("slack", "node");
  const [old] = installed.account.secrets;
  const secret = { scheme: old?.scheme ?? "", value: randomBytes(16).toString("hex") };
  await rotateSecret(control, accountId, secret, 86_400_000);
  await platform.install(host, webhookUrl, secret);
  // A link that was given out and not used.
  await db.query(
    `insert into installs (id, tenant_id, channel_type, state_hash, redirect_uri, expires_at)
     values ($1, $2, 'slack', $3, 'https://edge.example/oauth/slack/callback', now() + interval '10 minutes')`,
    [randomUUID(), tenantIdOf(tenant), randomBytes(32)],
  );
}

/** To one shard more. Each look at the edge has it read the directory. */
async function move({ accountId, host }: App): Promise<void> {
  const { account } = await moveAccount(control, accountId, { shards: 3 });
  await until("the move is over", async () => {
    await (await fetch(`${urlOf(ports[host])}/health`)).text();
    const { closed_by, waits_for } = await readMove(db, account);
    return closed_by.includes(host) && waits_for.length === 0;
  });
}

async function command(conversation: Conversation, word: string, more: Times = {}): Promise<void> {
  const text = textOfCommand(conversation, word);
  const made = create(SendCommandSchema, {
    id: ulidOf(Date.now(), randomBytes(10)),
    schemaVersion,
    tenantId: tenantIdOf(tenant),
    ...scopesOf(conversation),
    conversationExternalId: conversation.externalId,
    text,
    ...more,
  });
  const options = { msgID: outboundMessageId(made.id) };
  await bus.jetstream().publish(outboundSubject(conversation), encodeCommand(made), options);
  commands.push({ command: made, text });
}

/** No question has this form. */
function textOfCommand({ name }: Conversation, word: string): string {
  return `command ${word} in ${name}`;
}

function outboundSubject(conversation: Conversation): string {
  return subjectOf({ direction: "outbound", ...scopesOf(conversation) });
}

function scopesOf({ app, externalId }: Conversation) {
  const { accountId, platform } = app;
  return { channelType: platform.channelType, accountId, conversationId: conversationIdOf(accountId, externalId) };
}

function conversationOf(app: App, room: string): Conversation {
  const name = `${app.platform.channelType.replaceAll("_", "-")}-${app.host}-${room}`;
  return { app, name, externalId: "", messages: [], repeated: [] };
}

function conversationAt(channel: Channel, host: Host, room = "a"): Conversation {
  const { name } = conversationOf(appOf(channel, host), room);
  const found = conversations.find((each) => each.name === name);
  if (!found) throw new Error(`there is no conversation ${name}`);
  return found;
}

function appOf(channel: Channel, host: Host): App {
  const found = apps.find((each) => each.platform.channelType === channel && each.host === host);
  if (!found) throw new Error(`there is no app on ${channel} at the ${host} host`);
  return found;
}

async function all(work: (conversation: Conversation) => Promise<unknown>, of = conversations): Promise<void> {
  await Promise.all(of.map(work));
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  await eventually(what, holds, deadlineMs);
}

/** The last message of each conversation stands on the stream. */
async function reached(witness: StreamWitness): Promise<void> {
  await until(`everything is on ${witness.stream}`, async () => {
    const texts = new Set((await witness.look()).map(({ text }) => text));
    return conversations.every((each) => texts.has(each.messages.at(-1)?.text ?? ""));
  });
}

async function countOf(state: string): Promise<number> {
  return (await rowsOf(`select 1 from sender_commands where state = '${state}'`, v.unknown())).length;
}

async function rowsOf<Row extends v.GenericSchema>(query: string, row: Row): Promise<v.InferOutput<Row>[]> {
  return v.parse(v.array(row), (await db.query(query)).rows);
}

async function subjectsOn(stream: string): Promise<string[]> {
  const info = await (await bus.jetstreamManager()).streams.info(stream, { subjects_filter: ">" });
  return Object.keys(info.state.subjects ?? {}).sort();
}

async function messageCounts(nats: NatsConnection): Promise<Record<string, number>> {
  const manager = await nats.jetstreamManager();
  const counts: Record<string, number> = {};
  for await (const { config, state } of manager.streams.list()) counts[config.name] = state.messages;
  return counts;
}

async function keepForLong(nats: NatsConnection): Promise<void> {
  const manager = await nats.jetstreamManager();
  for (const { name } of Object.values(streams)) await manager.streams.update(name, { max_age: nanos(keptMs) });
}

async function expectation(): Promise<Expected> {
  const tenants = await rowsOf("select id, slug from tenants order by slug", v.object({ id: v.string(), slug: v.string() }));
  const secrets = await openedSecrets(db, undefined, control.secrets);
  const commandRow = v.object({ id: v.string(), account_id: v.string(), state: v.picklist(commandStates) });
  const ledger = await rowsOf(
    "select id, account_id, state from sender_commands order by stream_epoch, stream_sequence",
    commandRow,
  );
  const taken = new Set(ledger.map(({ id }) => id));
  return {
    commit: spawnSync("git", ["rev-parse", "HEAD"], { cwd: import.meta.dirname, encoding: "utf8" }).stdout.trim(),
    madeAt: new Date().toISOString(),
    tenants,
    accounts: [...apps, gone].map((app) => ({
      accountId: app.accountId,
      channelType: app.platform.channelType,
      host: app.host,
      app: app === gone ? "gone" : app.host,
      disabled: app === gone,
      secrets: secrets
        .filter(({ accountId }) => accountId === app.accountId)
        .map(({ purpose, scheme, value }) => ({ purpose, scheme, sha256: fingerprintOf(value) })),
    })),
    conversations: [...conversations, ...late].map(({ app, ...rest }) => ({ accountId: app.accountId, ...rest })),
    commands: [
      ...ledger.map(({ id, account_id: accountId, state }) => {
        return { id, accountId, state, text: commands.find(({ command }) => command.id === id)?.text ?? "" };
      }),
      ...commands
        .filter(({ command }) => !taken.has(command.id))
        .map(({ command: { id, accountId }, text }) => ({ id, accountId, state: "on_the_bus" as const, text })),
    ],
    messages,
    quarantine,
    deadLetters,
    spooled: { worker: spooledRows(folder, "worker"), node: spooledRows(folder, "node") },
    tables: await rowCounts(client),
  };
}
