// The way of a webhook that yesterday's normaliser did not understand: through the edge into quarantine, and by the `mio` command through
// today's normaliser to its readers, once. The edge is the real app over the real bus; only its uplink is left out.

import { createHmac } from "node:crypto";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { moveAccount } from "@mio/core/control/accounts/move.ts";
import { createAccount, disableAccount } from "@mio/core/control/accounts/operation.ts";
import { createTenant } from "@mio/core/control/tenants/operation.ts";
import { publishDirectory } from "@mio/core/directory/directory-loop.ts";
import { createApp } from "@mio/edge/app.ts";
import { Directory } from "@mio/edge/directory/directory.ts";
import { streamStateOf } from "@mio/shared/bus/client/jetstream-api.ts";
import { buckets, streams } from "@mio/shared/bus/names/streams.ts";
import { ingressSubject } from "@mio/shared/bus/names/subjects.ts";
import { decodeMessage } from "@mio/shared/bus/wire/envelope.ts";
import { encodeIngressGroup } from "@mio/shared/bus/wire/ingress-group.ts";
import { sealerOf } from "@mio/shared/bus/wire/sealed-value.ts";
import type { InboundDoor } from "@mio/shared/channels/contract/inbound.ts";
import { testInbound } from "@mio/shared/channels/test/inbound.ts";
import { clockOf } from "@mio/shared/clock.ts";
import { randomOf } from "@mio/shared/random.ts";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { testSealingKeys } from "../kit/bus/directory-keys.ts";
import { noteClosing } from "../kit/core/closings.ts";
import { storedOn } from "../kit/core/ingress.ts";
import { type Ended, startMio } from "../kit/core/mio.ts";
import { testControl, testSecrets } from "../kit/database/secrets.ts";
import { all, bus, db, inbound, nats, server, start, untilSettled, useStand } from "../kit/dedup/stand.ts";
import { eventually } from "../kit/time/eventually.ts";

useStand();

const channel = testInbound.channel.slug;
const scheme = "hmac-sha256-timestamped";
const secret = "s-1";
const clock = clockOf(globalThis);
const random = randomOf(globalThis.crypto);
const sealer = sealerOf(testSealingKeys, random);
const receivedAtMs = Date.now() - 3_600_000;

/** The door of a time in which the platform's events were not understood yet. */
const oldDoor: InboundDoor = {
  ...testInbound,
  read: (request) => ({ ...testInbound.read(request), normalise: () => ({ kind: "malformed", reason: "shape_of_tomorrow" }) }),
};

beforeEach(async () => {
  await createTenant(testControl(db), "acme");
  await account("W1");
});

async function account(workspace: string, options: { tenant?: string; secret?: string } = {}): Promise<string> {
  const verification = [{ scheme, value: options.secret ?? secret }];
  const wanted = { tenant: options.tenant ?? "acme", channelType: channel, externalId: workspace, verification };
  return (await createAccount(testControl(db), wanted, [channel])).account.id;
}

/** One webhook at an edge that received it at `atMs`. Returns the status of the answer. */
async function send(door: InboundDoor, body: string | Uint8Array<ArrayBuffer>, atMs = receivedAtMs): Promise<number> {
  await publishDirectory(bus, { db, ring: testSecrets(db).ring }, sealer, atMs, 1);
  const bucket = await nats.jetstream().views.kv(buckets.directory.name);
  const lookup = async (keys: string[]) => {
    const entries = await Promise.all(keys.map((key) => bucket.get(key)));
    return { values: entries.map((entry) => entry?.value), whole: true };
  };
  const at = { ...clock, nowMs: () => atMs };
  const app = createApp({
    doors: [door],
    directory: new Directory({ lookup }, sealer, at, "elsewhere"),
    store: async ({ region, shard }, events) => {
      const group = encodeIngressGroup({ id: crypto.randomUUID(), region, shard, events });
      await nats.jetstream().publish(ingressSubject(region, shard), group);
      return { kind: "stored", spooled: false };
    },
    askCore: async () => ({ kind: "away" }),
    close: async () => ({ kind: "stored", spooled: false }),
    clock: at,
    random,
    region: "elsewhere",
    health: async () => ({ directory: undefined, shards: [] }),
    log: () => {},
  });
  const seconds = Math.floor(atMs / 1_000);
  const signature = createHmac("sha256", secret).update(`${seconds}.`).update(body).digest("hex");
  const headers = { "content-type": "application/json", "x-test-signature": `t=${seconds},v1=${signature}` };
  return (await app.fetch(new Request(`https://edge.test/webhooks/${channel}`, { method: "POST", headers, body }))).status;
}

function say(workspace: string, ...ids: string[]): string {
  const events = ids.map((id) => ({
    conversation: `room ${id[0]}`,
    id,
    user: "u1",
    kind: "message",
    text: id,
    at_ms: receivedAtMs,
  }));
  return JSON.stringify({ workspace, events });
}

const command = startMio();
afterAll(() => command[Symbol.asyncDispose]());

function mio(...words: string[]): Promise<Ended> {
  return command.run(words, { MIO_POSTGRES_DSN: db.options.connectionString ?? "", MIO_NATS_URL: server.url });
}

async function quarantine(...words: string[]) {
  const ended = await mio("--json", "quarantine", ...words);
  if (ended.stderr !== "") throw new Error(ended.stderr);
  return { code: ended.code, ...JSON.parse(ended.stdout) };
}

const kept = (count: number) =>
  eventually(`${count} entries`, async () => (await storedOn(bus, streams.quarantine.name, "mio.quarantine.>")).length === count);

async function messages() {
  return (await storedOn(bus, inbound, all)).flatMap(({ data }) => {
    const decoded = decodeMessage(data);
    return decoded.kind === "message" ? [decoded.message] : [];
  });
}

/** Everything that stands in the ingress now is behind dedup once a later event of each shard is published. */
async function passIngress(): Promise<void> {
  const names = ["p", "q", "r", "s", "t", "u", "v", "w"].map((letter) => `${letter}${crypto.randomUUID().slice(0, 8)}`);
  await send(testInbound, say("W1", ...names), Date.now());
  await eventually("the ingress to be read", async () => {
    const texts = (await messages()).map(({ text }) => text);
    return names.every((name) => texts.includes(name));
  });
}

const texts = async () => (await messages()).map(({ text }) => text).filter((text) => /^[a-o]/.test(text));

describe("a webhook that was not understood", () => {
  it("G2, G3: appears once after a replay, however often, and when the platform's own retry got through", async () => {
    await start();
    expect(await send(oldDoor, say("W1", "a1", "b1", "a2"))).toBe(200);
    await kept(1);
    const [entry] = (await quarantine("list")).entries;
    expect(entry).toMatchObject({ channel_type: channel, workspace: "W1", reason: "shape_of_tomorrow" });
    expect(Date.parse(entry.received_at)).toBe(receivedAtMs);

    const before = await streamStateOf(bus, streams.ingress.name);
    const dry = await quarantine("replay", entry.id, "--dry-run");
    expect(dry.entries[0]).toMatchObject({ outcome: "would_feed", account_id: entry.account_id });
    expect(await streamStateOf(bus, streams.ingress.name)).toEqual(before);

    const first = await quarantine("replay", entry.id);
    await untilSettled(3);
    expect((await texts()).sort()).toEqual(["a1", "a2", "b1"]);
    expect((await texts()).filter((text) => text.startsWith("a"))).toEqual(["a1", "a2"]);
    expect(first).toMatchObject({ code: 0, entries: [{ outcome: "fed", message_ids: dry.entries[0].message_ids }] });
    expect((await messages()).map(({ id }) => id).sort()).toEqual([...first.entries[0].message_ids].sort());
    for (const message of await messages()) {
      expect(message.receivedAt && timestampMs(message.receivedAt)).toBe(receivedAtMs);
      expect(message.edge).toMatchObject({ region: "elsewhere", spooled: false });
    }

    await quarantine("replay", entry.id);
    await quarantine("replay", "--all-of", "shape_of_tomorrow");
    await send(testInbound, say("W1", "a1", "b1", "a2"), Date.now());
    await passIngress();
    expect((await texts()).sort()).toEqual(["a1", "a2", "b1"]);
    // Evidence stays.
    expect((await quarantine("list")).entries.length).toBe(1);
  });

  it("G2: waits for the end of a move of its account, and is fed where its conversation is then", async () => {
    await start();
    await send(testInbound, say("W1", "b1"));
    await untilSettled(1);
    await send(oldDoor, say("W1", "a1"));
    await kept(1);
    const [entry] = (await quarantine("list")).entries;
    await moveAccount(testControl(db), entry.account_id, { region: "far", shards: 3 });
    const reason = `account ${entry.account_id} is being moved; try again in a few seconds`;
    expect(await quarantine("replay", entry.id)).toMatchObject({ code: 1, entries: [{ outcome: "refused", reason }] });
    for (const place of ["local.0", "local.1"]) await noteClosing(db, entry.account_id, "elsewhere", place);
    expect(await quarantine("replay", entry.id)).toMatchObject({ code: 0, entries: [{ outcome: "fed" }] });
    await untilSettled(2);
    expect(await texts()).toEqual(["b1", "a1"]);
    expect((await storedOn(bus, streams.ingress.name, "mio.ingress.far.*")).length).toBe(1);
  });

  it("G3: does not appear again when the platform's own retry came first", async () => {
    await start();
    await send(oldDoor, say("W1", "a1"));
    await send(testInbound, say("W1", "a1"), Date.now());
    await kept(1);
    await untilSettled(1);
    expect((await quarantine("replay", "--all-of", "shape_of_tomorrow")).entries[0].outcome).toBe("fed");
    await passIngress();
    expect(await texts()).toEqual(["a1"]);
  });

  it("feeds all of a reason in the order in which they came, of one account only when told", async () => {
    await start();
    const other = await account("W2");
    // A spool may tell the older one later.
    for (const late of [3, 1, 2]) await send(oldDoor, say("W1", `a${late}`), receivedAtMs + late);
    await send(oldDoor, say("W2", "b1"), receivedAtMs + 4);
    await kept(4);
    expect((await quarantine("list", "--limit", "2")).entries.length).toBe(2);
    expect((await quarantine("list")).entries[0].workspace).toBe("W2");
    expect((await quarantine("list", "--account", other)).entries.length).toBe(1);
    expect((await quarantine("list", "--tenant", "acme", "--channel", channel, "--reason", "tomorrow")).entries.length).toBe(4);
    expect((await quarantine("list", "--reason", "no_account")).entries).toEqual([]);

    expect((await quarantine("replay", "--all-of", "shape_of_tomorrow", "--account", other)).entries.length).toBe(1);
    await untilSettled(1);
    expect(await texts()).toEqual(["b1"]);
    expect((await quarantine("replay", "--all-of", "shape_of_tomorrow")).entries.length).toBe(4);
    await untilSettled(4);
    expect((await texts()).filter((text) => text.startsWith("a"))).toEqual(["a1", "a2", "a3"]);
  });

  it("says why when it is still not understood, or its account is disabled, and feeds nothing", async () => {
    await start();
    await send(oldDoor, '{"not":"it"}', receivedAtMs + 1);
    await send(oldDoor, new Uint8Array([0xff, 0xfe, 0x1b]), receivedAtMs + 2);
    const gone = await account("W3");
    await send(oldDoor, say("W3", "a1"), receivedAtMs + 3);
    await kept(3);
    await disableAccount(testControl(db), gone);
    const before = await streamStateOf(bus, streams.ingress.name);
    const { entries } = await quarantine("list");
    const outcomes = await Promise.all(entries.map((entry: { id: string }) => quarantine("replay", entry.id)));
    expect(outcomes.map(({ code, entries: [each] }) => [code, each.outcome, each.reason])).toEqual([
      [1, "refused", `account ${gone} is disabled`],
      [1, "refused", "it has no account and names no workspace"],
      [1, "refused", "it has no account and names no workspace"],
    ]);
    expect(await streamStateOf(bus, streams.ingress.name)).toEqual(before);
  });

  it("waits for its account: a webhook of a workspace without one is fed once there is one", async () => {
    await start();
    await send(testInbound, say("W2", "a1"));
    await send(testInbound, '{"workspace":"W2","events":7}', receivedAtMs + 1);
    await kept(2);
    const refused = await quarantine("replay", "--all-of", "no_account");
    expect(refused.entries.map((each: { reason: string }) => each.reason)).toEqual(
      Array(2).fill(expect.stringMatching(/no account of test has the workspace "W2"; make one with "mio account create"/)),
    );
    const made = await account("W2");
    expect((await quarantine("list", "--account", made)).entries.length).toBe(2);
    const { code, entries } = await quarantine("replay", "--all-of", "no_account");
    expect(code).toBe(1);
    expect(entries).toMatchObject([
      { outcome: "fed", account_id: made },
      { outcome: "refused", account_id: made, reason: "still not understood: webhook", message_ids: [] },
    ]);
    await untilSettled(1);
    expect(await messages()).toMatchObject([{ accountId: made, text: "a1" }]);
  });

  it("G11: never becomes another's message: a claimed workspace counts only under a secret that its account has", async () => {
    await start();
    await send(testInbound, say("W2", "a1"));
    await kept(1);
    await createTenant(testControl(db), "rival");
    const rival = await account("W2", { tenant: "rival", secret: "s-2" });
    const before = await streamStateOf(bus, streams.ingress.name);
    for (const words of [[], ["--account", rival]]) {
      const { code, entries } = await quarantine("replay", "--all-of", "no_account", ...words);
      expect(code).toBe(1);
      expect(entries).toMatchObject([{ outcome: "refused", account_id: rival, message_ids: [] }]);
      expect(entries[0].reason).toMatch(/not verified by a secret of account/);
    }
    const [{ id }] = (await quarantine("list")).entries;
    const elsewhere = await account("W1");
    expect((await quarantine("replay", id, "--account", elsewhere)).entries[0].outcome).toBe("other_account");
    expect(await streamStateOf(bus, streams.ingress.name)).toEqual(before);
  });
});

describe("mio quarantine", () => {
  it("shows an entry with the headers that matter and its body, as text or base64, safe for a terminal", async () => {
    await start();
    await send(oldDoor, `{"workspace":"W1","text":"\u001b[2Jhello\u202e"}`);
    await send(oldDoor, new Uint8Array([0xff, 0xfe, 0x1b]), receivedAtMs + 1);
    await kept(2);
    const [odd, text] = (await quarantine("list")).entries;
    expect(await quarantine("show", odd.id)).toMatchObject({ body_encoding: "base64", body: "//4b", body_bytes: 3 });
    const shown = await quarantine("show", text.id);
    expect(shown).toMatchObject({ headers: { "content-type": "application/json" }, body_encoding: "text", method: "POST" });
    expect(JSON.parse(shown.body.replace("\u001b", "")).text).toContain("hello");
    expect(shown.notice).toMatch(/personal data/);
    expect(JSON.stringify(shown)).not.toContain("x-test-signature");
    const forPeople = (await mio("quarantine", "show", text.id)).stdout;
    expect(forPeople).toMatch(/may hold personal data/);
    expect(forPeople).toContain('"text":"\\u{1b}[2Jhello\\u{202e}"');
    for (const hidden of ["\u001b", "\u202e"]) expect(forPeople).not.toContain(hidden);
  });

  it("says in one line what to do about ids, accounts and words that it does not know", async () => {
    await send(oldDoor, say("W1", "a1"));
    const id = "00000000-0000-5000-8000-000000000000";
    const bad: [string[], RegExp][] = [
      [["show"], /missing required argument 'id'/],
      [["look"], /unknown command 'look'/],
      [["show", id], /there is no quarantine entry "0{8}-.*; "mio quarantine list"/],
      [["show", "*"], /there is no quarantine entry "\*"/],
      [["show", "a.>"], /there is no quarantine entry/],
      [["replay", id], /there is no quarantine entry/],
      [["replay"], /say either the id of one entry or --all-of <reason>/],
      [["replay", id, "--all-of", "x"], /say either/],
      [["replay", "--all-of", "no_such_reason"], /no entry has the reason "no_such_reason"/],
      [["replay", "--all-of", "x", "--account", "nobody"], /there is no account "nobody"/],
      [["list", "--tenant", "nobody"], /there is no tenant "nobody"/],
      [["list", "--account", id], /there is no account/],
      [["list", "--channel", "fax"], /there is no channel type "fax"; there are/],
      [["list", "--limit", "all"], /a whole number from 1/],
    ];
    for (const [words, expected] of bad) {
      const ended = await mio("quarantine", ...words);
      expect(ended.stderr, words.join(" ")).toMatch(expected);
      expect(ended.stderr.trim().split("\n").length, ended.stderr).toBeLessThanOrEqual(2);
      expect([ended.code, ended.stdout], words.join(" ")).toEqual([1, ""]);
    }
    expect((await mio("quarantine", "list")).stdout).toMatch(/^no entries match\n$/);
  });
});
