// The golden state opened with the present code: whatever a system of that day had promised, this version keeps. One opening, many claims;
// they are judged in order, and the last one stops the system and looks at what its hosts leave on their disks.

import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSecretStore } from "@mio/core/accounts/secret-store.ts";
import { updateAccount } from "@mio/core/control/accounts/operation.ts";
import { migrate } from "@mio/core/db/migrate.ts";
import type { NodePart } from "@mio/local/servers/node-part.ts";
import { secretKeysOf } from "@mio/local/system/sealing-keys.ts";
import { DeliveryReceipt_StateSchema } from "@mio/proto/gen/mio/v1/delivery_receipt_pb.ts";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { parseSealingKeys } from "@mio/shared/bus/wire/sealed-value.ts";
import type { AccountId } from "@mio/shared/ids.ts";
import { Client, Pool } from "pg";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readText } from "../judge/check.ts";
import { connectOperator, readReceipts, StreamWitness } from "../judge/witness.ts";
import type { NatsConnection } from "../kit/bus/client.ts";
import { testDatabase } from "../kit/database/postgres.ts";
import { openedSecrets, testControl } from "../kit/database/secrets.ts";
import { eventually } from "../kit/time/eventually.ts";
import { type Expected, fingerprintOf } from "./expected.ts";
import { answerCounts, ask, botTexts, type Conversation } from "./people.ts";
import { spooledRows } from "./spool-files.ts";
import { unpack } from "./state.ts";
import {
  type App,
  channels,
  edgePorts,
  type Host,
  hosts,
  installApp,
  type Platform,
  startAgent,
  startBus,
  startCore,
  startEdge,
  startPlatform,
  urlOf,
} from "./system.ts";

const patienceMs = 180_000;
const shardStatus = v.object({ spool_rows: v.number(), spool_aside_rows: v.number() });
const health = v.object({ shards: v.array(v.object({ status: v.nullish(shardStatus, null) })) });

describe("the golden state", () => {
  const stack = new AsyncDisposableStack();
  let folder: string;
  let expected: Expected;
  let spooledBefore: Expected["spooled"];
  let db: Pool;
  let bus: NatsConnection;
  let ports: Record<Host, number>;
  let edges: NodePart[];
  let gone: App;
  let conversations: Conversation[];
  let inbound: StreamWitness;
  let enriched: StreamWitness;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "mio-golden-"));
    stack.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
    const state = await unpack(folder);
    expected = state.expected;
    spooledBefore = { worker: spooledRows(folder, "worker"), node: spooledRows(folder, "node") };
    const accountIds = expected.accounts.filter(({ disabled }) => !disabled).map(({ accountId }) => accountId as AccountId);
    ports = await edgePorts();
    const [dsn, { nats, access }, ...played] = await Promise.all([
      restored(state.dump),
      startBus(folder, accountIds),
      ...channels.map((channel) => startPlatform(folder, channel)),
    ]);
    stack.use(nats);
    const platforms = new Map<string, Platform>(played.map((platform) => [platform.channelType, stack.use(platform)]));
    db = new Pool({ connectionString: dsn, max: 4 });
    db.on("error", () => undefined);
    stack.defer(() => db.end());
    await migrate(dsn);

    const apps: App[] = [];
    for (const { channelType, host, app: name, accountId } of expected.accounts) {
      const platform = platforms.get(channelType);
      if (!platform) throw new Error(`no platform plays ${channelType}`);
      const app = await installApp(platform, host, urlOf(ports[host]), name);
      expect(app.accountId).toBe(accountId);
      // Platforms do not move, but the simulated ones are at other ports now, and remember the old ones.
      const settings = Object.entries(app.installed.account.settings).map(([key, value]) => {
        return [key, value.replace(/^http:\/\/127\.0\.0\.1:\d+/, platform.url)];
      });
      await updateAccount(testControl(db), accountId, { settings: Object.fromEntries(settings) });
      if (name === "gone") gone = app;
      else apps.push(app);
    }
    conversations = expected.conversations.map(({ accountId, ...rest }) => {
      const app = apps.find((each) => each.accountId === accountId);
      if (!app) throw new Error(`no app has the account of ${rest.name}`);
      return { app, ...rest };
    });

    const system = { folder, nats, access, dsn };
    const { user, password, inboxPrefix } = access.operator;
    bus = await connectOperator({ url: nats.url, user, password, inboxPrefix });
    stack.defer(() => bus.close());
    expect(await messageCounts(bus)).toEqual(expected.messages);
    const core = startCore(system, "core", ["dedup", "media-vault", "sender", "admin", "telemetry"]);
    const parts = [core, startAgent(system, accountIds), ...hosts.map((host) => startEdge(system, host, ports[host]))];
    // Also when one of them does not start, the others do not stay behind.
    for (const part of await Promise.allSettled(parts)) if (part.status === "fulfilled") stack.use(part.value);
    [, , ...edges] = await Promise.all(parts);
    inbound = new StreamWitness(bus, streams.inbound.name);
    enriched = new StreamWitness(bus, streams.enriched.name);
  }, 120_000);

  afterAll(() => stack.disposeAsync());

  it("holds rows in the spools of both hosts, and something at every stage", () => {
    expect(spooledBefore).toEqual(expected.spooled);
    expect(Math.min(...Object.values(spooledBefore))).toBeGreaterThan(0);
    const places = new Set(expected.conversations.flatMap(({ messages }) => messages.map(({ place }) => place)));
    expect([...places].sort()).toEqual(["answered", "enriched", "inbound", "ingress", "spool"]);
    const states = new Set(expected.commands.map(({ state }) => state));
    expect([...states].sort()).toEqual(["failed", "on_the_bus", "queued", "sending", "sent", "unknown"]);
  });

  it("has the same tenants, accounts and secrets", async () => {
    expect(await rowsOf("select id, slug from tenants order by slug", v.object({ id: v.string(), slug: v.string() }))).toEqual(
      expected.tenants,
    );
    const accountRow = v.object({ id: v.string(), channel_type: v.string(), disabled: v.boolean() });
    const accounts = await rowsOf(
      "select id, channel_type, disabled_at is not null as disabled from accounts order by id",
      accountRow,
    );
    expect(accounts).toEqual(
      expected.accounts
        .map(({ accountId: id, channelType: channel_type, disabled }) => ({ id, channel_type, disabled }))
        .sort((a, b) => (a.id < b.id ? -1 : 1)),
    );
    // Sealed by core at its start, with the key that this folder was given for it.
    const { ring } = createSecretStore(db, parseSealingKeys((await secretKeysOf(folder)).text) ?? []);
    const secrets = (await openedSecrets(db, undefined, { ring })).map(({ accountId: account_id, purpose, scheme, value }) =>
      JSON.stringify({ account_id, purpose, scheme, sha256: fingerprintOf(value) }),
    );
    expect(secrets.sort()).toEqual(
      expected.accounts
        .flatMap(({ accountId: account_id, secrets }) => secrets.map((each) => JSON.stringify({ account_id, ...each })))
        .sort(),
    );
  });

  it(
    "G2, G3, G4: brings every acknowledged message to both streams, once and in its conversation's order",
    async () => {
      await judgeStreams();
    },
    patienceMs,
  );

  it(
    "G2: takes what the kept secrets sign, behind all that came before",
    async () => {
      const places = [...Map.groupBy(conversations, ({ app }) => app).values()].flatMap(([first]) => first ?? []);
      await Promise.all(places.map((each) => ask(each, "answered")));
      await judgeStreams();
    },
    patienceMs,
  );

  it(
    "G6: has every question answered, and none of them twice",
    async () => {
      const once = async (each: Conversation) => {
        const counts = await answerCounts(each);
        expect(Math.max(...counts)).toBeLessThanOrEqual(1);
        return counts.every((count) => count === 1);
      };
      for (const each of conversations) await eventually(`${each.name} is answered`, () => once(each), patienceMs);
    },
    patienceMs,
  );

  it(
    "G5: ends every command in exactly one final receipt, and keeps the word that was given before",
    async () => {
      await eventually("the sender and its receipts are done", isSenderDone, patienceMs);
      const commandRow = v.object({ id: v.string(), state: v.string() });
      const commands = await rowsOf("select id, state from sender_commands", commandRow);
      const states = new Map(commands.map(({ id, state }) => [id, state]));
      const finals = (await readReceipts(bus)).filter(({ final }) => final);
      expect(
        finals
          .map(({ commandId, state }) => `${commandId} ${DeliveryReceipt_StateSchema.value[state]?.localName.toLowerCase()}`)
          .sort(),
      ).toEqual(commands.map(({ id, state }) => `${id} ${state}`).sort());
      for (const { id, state, text } of expected.commands) {
        const now = states.get(id);
        const mayEnd = /^command (expires|interrupted) /.test(text);
        if (["sent", "failed", "unknown"].includes(state)) expect([id, now]).toEqual([id, state]);
        else if (mayEnd) expect(["sent", "expired", "unknown"]).toContain(now);
        else expect([text, now]).toEqual([text, "sent"]);
      }
    },
    patienceMs,
  );

  it("G6: shows each command that was sent once, also one whose call was interrupted", async () => {
    const shown = (await Promise.all(conversations.map(botTexts))).flat();
    const given = expected.commands.filter(({ text }) => text !== "" && !text.startsWith("command expires "));
    const counts = given.map(({ text }) => [text, shown.filter((each) => each === text).length]);
    expect(counts).toEqual(given.map(({ text }) => [text, 1]));
  });

  it(
    "G11: keeps what stood in quarantine and among the dead letters, and puts a disabled account's webhooks there",
    async () => {
      const words = { app_id: gone.installed.appId, conversation: "gone", user: "ann", text: "still nobody?" };
      await gone.platform.control("POST", "messages", words);
      const grown = async () => {
        const subjects = await subjectsOn(streams.quarantine.name);
        expect(subjects).toEqual(expect.arrayContaining(expected.quarantine));
        return subjects.length === expected.quarantine.length + 1;
      };
      await eventually("the quarantine has one more", grown, patienceMs);
      expect(await subjectsOn(streams.deadLetter.name)).toEqual(expected.deadLetters);
    },
    patienceMs,
  );

  it(
    "G2, G3: leaves nothing in a spool, and nothing came twice in the end",
    async () => {
      for (const host of hosts) await eventually(`the spools of ${host} are empty`, () => isDrained(ports[host]), patienceMs);
      await judgeStreams();
      await Promise.all(edges.map((edge) => edge.stop()));
      expect({ worker: spooledRows(folder, "worker"), node: spooledRows(folder, "node") }).toEqual({ worker: 0, node: 0 });
    },
    patienceMs,
  );

  /** A database of its own, as the dump left it, on the server of the run. */
  async function restored(dump: string): Promise<string> {
    const neighbour = stack.use(await testDatabase());
    const name = `golden_${randomBytes(6).toString("hex")}`;
    const maintenance = new Client({ connectionString: neighbour.dsn });
    await maintenance.connect();
    stack.defer(() => maintenance.end());
    await maintenance.query(`create database ${name}`);
    stack.defer(async () => void (await maintenance.query(`drop database ${name} with (force)`)));
    const dsn = new URL(neighbour.dsn);
    dsn.pathname = `/${name}`;
    const client = new Client({ connectionString: dsn.href });
    await client.connect();
    await client.query(dump);
    // Dedup promises to know an event again for 35 days and then forgets it. The state is opened as if those had not gone by since it was
    // made; otherwise what platforms repeated into the spools would rightly be new again.
    await client.query("update ingress_keys set seen_at = now() where published_at is not null");
    await client.end();
    return dsn.href;
  }

  /** Waits until both streams hold as many of our messages as they should, and compares them. */
  async function judgeStreams(): Promise<void> {
    const wanted = Object.fromEntries(conversations.map(({ name, messages }) => [name, messages.map(({ text }) => text)]));
    const count = Object.values(wanted).flat().length;
    for (const witness of [inbound, enriched]) {
      await eventually(`all is on ${witness.stream}`, async () => (await witness.look()).length >= count, patienceMs);
      const seen = await witness.look();
      const byConversation = Object.groupBy(seen, ({ text }) => readText(text)?.conversation ?? text);
      const texts = Object.entries(byConversation).map(([name, each = []]) => [name, each.map(({ text }) => text)]);
      expect(Object.fromEntries(texts)).toEqual(wanted);
      for (const { name, app } of conversations)
        expect(new Set(byConversation[name]?.map(({ accountId }) => accountId))).toEqual(new Set([app.accountId]));
    }
  }

  /** As the host itself says; the files are looked at when it has stopped. */
  async function isDrained(port: number): Promise<boolean> {
    const { shards } = v.parse(health, await (await fetch(`${urlOf(port)}/health`)).json());
    return shards.every(({ status }) => status !== null && status.spool_rows + status.spool_aside_rows === 0);
  }

  async function isSenderDone(): Promise<boolean> {
    const open = "select 1 from sender_commands where state in ('queued', 'sending')";
    const untold = "select 1 from sender_outbox where published_at is null";
    const left = [...(await rowsOf(open, v.unknown())), ...(await rowsOf(untold, v.unknown()))];
    return left.length === 0 && (await messageCounts(bus))[streams.outbound.name] === 0;
  }

  async function rowsOf<Row extends v.GenericSchema>(query: string, row: Row): Promise<v.InferOutput<Row>[]> {
    return v.parse(v.array(row), (await db.query(query)).rows);
  }

  async function messageCounts(nats: NatsConnection): Promise<Record<string, number>> {
    const manager = await nats.jetstreamManager();
    const counts: Record<string, number> = {};
    for await (const { config, state } of manager.streams.list()) counts[config.name] = state.messages;
    return counts;
  }

  async function subjectsOn(stream: string): Promise<string[]> {
    const info = await (await bus.jetstreamManager()).streams.info(stream, { subjects_filter: ">" });
    return Object.keys(info.state.subjects ?? {}).sort();
  }
});
