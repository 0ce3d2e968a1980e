// The pipe for itself: its ports are plain functions here, so that what must wait for what can be seen. The Worker's tests have the rest.
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { DirectoryValueSchema } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { type DirectoryInit, directoryOf, testSealer } from "@mio/proving/kit/edge/bus.ts";
import { sampleChannel, sampleInbound, samplePayload, sampleReading } from "@mio/proving/kit/sample-channel/inbound.ts";
import { eventually } from "@mio/proving/kit/time/eventually.ts";
import { type ManualClock, manualClock } from "@mio/proving/kit/time/manual-clock.ts";
import { directoryKeyOf, sealDirectoryValue } from "@mio/shared/bus/wire/directory.ts";
import { decodeIngressEvent } from "@mio/shared/bus/wire/ingress-group.ts";
import type { InboundDoor } from "@mio/shared/channels/contract/inbound.ts";
import { accountIdOf, conversationIdOf, partitionOf, tenantIdOf } from "@mio/shared/ids.ts";
import { seededRandom } from "@mio/shared/random.ts";
import { describe, expect, it } from "vitest";
import { createApp, type EdgePorts } from "../app.ts";
import { Directory } from "../directory/directory.ts";
import type { Shard, Stored } from "../uplink/uplink.ts";

const tenantId = tenantIdOf("acme");
const alice = { tenantId, accountId: accountIdOf(tenantId, sampleChannel, "W1"), externalId: "W1", secret: "secret-1" };
const shardOf = (to: string) => partitionOf(conversationIdOf(alice.accountId, to), 2);
const rooms = Array.from({ length: 20 }, (_, index) => `room${index}`);
const zero = rooms.find((to) => shardOf(to) === 0) ?? "";
const one = rooms.find((to) => shardOf(to) === 1) ?? "";
const stored: Stored = { kind: "stored", spooled: false };

interface World {
  ports: EdgePorts;
  clock: ManualClock;
  /** How often the directory object was asked. */
  lookups: () => number;
  calls: { shard: Shard; events: Uint8Array[]; answer: PromiseWithResolvers<Stored> }[];
}

function world(options: { values?: DirectoryInit[]; door?: Partial<InboundDoor>; whole?: boolean } = {}): World {
  const clock = manualClock();
  const values = new Map(
    (options.values ?? directoryOf([alice])).map((init) => {
      const value = create(DirectoryValueSchema, { version: 1, ...init });
      return [directoryKeyOf(value.route), sealDirectoryValue(testSealer, value)] as const;
    }),
  );
  const calls: World["calls"] = [];
  let lookups = 0;
  const ports: EdgePorts = {
    doors: [{ ...sampleInbound, ...options.door }],
    directory: new Directory(
      {
        lookup: async (keys) => {
          lookups += 1;
          return { values: await Promise.all(keys.map((key) => values.get(key))), whole: options.whole ?? true };
        },
      },
      testSealer,
      clock,
      "local",
    ),
    store: (shard, events) => {
      const answer = Promise.withResolvers<Stored>();
      calls.push({ shard, events, answer });
      return answer.promise;
    },
    askCore: async () => ({ kind: "away" }),
    close: async () => stored,
    clock,
    random: seededRandom(1),
    region: "local",
    health: async () => ({ directory: undefined, shards: [] }),
    log: () => {},
  };
  return { ports, clock, calls, lookups: () => lookups };
}

/** Resolves when something was handed on or answered: opening the directory's values takes the host's own time. */
async function post({ ports, clock, calls }: World, events: { to: string; id: string; text: string }[], secret = alice.secret) {
  const state: { status: number | undefined; headers: Headers } = { status: undefined, headers: new Headers() };
  const body = samplePayload({ type: "say", workspace: "W1", events });
  const request = new Request("https://edge.test/webhooks/sample-chat", {
    method: "POST",
    body,
    headers: { "x-sample-secret": secret },
  });
  const answered = Promise.resolve(createApp(ports).fetch(request)).then((response) => {
    state.status = response.status;
    state.headers = response.headers;
  });
  const before = calls.length;
  await eventually("it is handed on or answered", async () => {
    await clock.advance(0);
    return calls.length > before || state.status !== undefined;
  });
  return { state, answered };
}

const text = (to: string, id = "1") => ({ to, id, text: "x" });

describe("webhook", () => {
  it("G1: answers only after every shard that it feeds has stored its part", async () => {
    for (const first of [0, 1]) {
      const here = world();
      const { state, answered } = await post(here, [text(zero), text(one), text(zero, "2")]);
      expect(here.calls.map(({ shard, events }) => [shard.shard, events.length]).sort()).toEqual([
        [0, 2],
        [1, 1],
      ]);
      here.calls[first]?.answer.resolve(stored);
      await here.clock.advance(100);
      expect(state.status).toBeUndefined();
      here.calls[1 - first]?.answer.resolve(stored);
      await answered;
      expect(state.status).toBe(200);
    }
  });

  it("G1: answers 503 when one of two shards could not store its part, or was lost", async () => {
    for (const failed of [0, 1])
      for (const how of ["unavailable", "lost"]) {
        const here = world();
        const { state, answered } = await post(here, [text(zero), text(one)]);
        here.calls[1 - failed]?.answer.resolve(stored);
        if (how === "lost") here.calls[failed]?.answer.reject(new Error("the object was replaced"));
        else here.calls[failed]?.answer.resolve({ kind: "unavailable", reason: "spool_full" });
        await answered;
        expect([state.status, state.headers.get("retry-after")]).toEqual([503, "2"]);
      }
  });

  it("G1: answers 503 within 2,500 ms when an uplink does not answer at all", async () => {
    const here = world();
    const { state, answered } = await post(here, [text(zero)]);
    await here.clock.advance(2_500);
    await answered;
    expect(state.status).toBe(503);
  });

  it("lets the door say when to come again", async () => {
    const answer = () => ({ status: 503, headers: { "Retry-After": "7" }, body: "" });
    const here = world({ values: [], whole: false, door: { answer } });
    const { state, answered } = await post(here, [text(zero)]);
    await answered;
    expect(state.headers.get("retry-after")).toBe("7");
  });

  it("keeps the order of a request's events within a conversation", async () => {
    const here = world();
    const { answered } = await post(here, [text(zero, "1"), text(one, "x"), text(zero, "2")]);
    for (const { answer } of here.calls) answer.resolve(stored);
    await answered;
    const ids = here.calls.flatMap(({ events }) => events.map((bytes) => decodeIngressEvent(bytes)));
    const ofZero = ids.flatMap((each) =>
      each.kind === "event" && each.event.conversationExternalId === zero ? [each.event.sourceMessageId] : [],
    );
    expect(ofZero).toEqual([`${zero}:1`, `${zero}:2`]);
  });

  it("G11: hands nothing on when the signature does not fit, or the door throws over it", async () => {
    const throwing = async () => {
      throw new Error("a fault of the door");
    };
    for (const here of [world(), world({ door: { verify: throwing } })]) {
      const { state, answered } = await post(here, [text(zero)], "wrong");
      await answered;
      expect([state.status, here.calls.length]).toEqual([401, 0]);
    }
  });

  it("G11: takes no secret of another account, of another time, or none at all", async () => {
    const withSecrets = (secrets: DirectoryInit["secrets"]) =>
      directoryOf([alice]).map((value) => (value.route.startsWith("workspace/") ? { ...value, secrets } : value));
    const past = timestampFromMs(1_000);
    const future = timestampFromMs(9e12);
    const secret = { scheme: "sample", value: alice.secret };
    const wrong = [
      [],
      [{ ...secret, accountId: accountIdOf(tenantId, sampleChannel, "W2") }],
      [{ ...secret, notAfter: past }],
      [{ ...secret, notBefore: future }],
    ];
    for (const secrets of wrong) {
      const here = world({ values: withSecrets(secrets) });
      const { state, answered } = await post(here, [text(zero)]);
      await answered;
      expect([secrets, state.status]).toEqual([secrets, 401]);
    }
    // Old and new are both valid while a rotation overlaps.
    const overlap = [
      { ...secret, value: "new" },
      { ...secret, notAfter: future },
    ];
    const here = world({ values: withSecrets(overlap) });
    const { answered, state } = await post(here, [text(zero)]);
    here.calls[0]?.answer.resolve(stored);
    await answered;
    expect(state.status).toBe(200);
  });

  it("G11: ends an overlap at its moment by the edge's own clock, from what it has already read", async () => {
    // Within what an isolate remembers (5 s).
    const endsAtMs = manualClock().nowMs() + 3_000;
    const secrets = [
      { scheme: "sample", value: "new", accountId: alice.accountId },
      { scheme: "sample", value: "old", accountId: alice.accountId, notAfter: timestampFromMs(endsAtMs) },
      { scheme: "sample", value: "next", accountId: alice.accountId, notBefore: timestampFromMs(endsAtMs) },
    ];
    const here = world({ values: directoryOf([alice]).map((value) => ({ ...value, secrets })) });
    const statusOf = async (secret: string) => {
      const { state, answered } = await post(here, [text(zero)], secret);
      here.calls.at(-1)?.answer.resolve(stored);
      await answered;
      return state.status;
    };
    const statuses = async () => [await statusOf("old"), await statusOf("new"), await statusOf("next")];
    expect(await statuses()).toEqual([200, 200, 401]);
    await here.clock.advance(endsAtMs - here.clock.nowMs() - 1);
    expect(await statuses()).toEqual([200, 200, 401]);
    await here.clock.advance(1);
    expect(await statuses()).toEqual([401, 200, 200]);
  });

  it("G11: answers 503, never 401 or 404, while the directory is not loaded", async () => {
    const here = world({ values: [], whole: false });
    for (const secret of [alice.secret, "wrong"]) {
      const { state, answered } = await post(here, [text(zero)], secret);
      await answered;
      expect([state.status, here.calls.length]).toEqual([503, 0]);
    }
  });

  it("G11: quarantines what a disabled account still sends", async () => {
    const values = directoryOf([alice]).map((value) =>
      "account" in value ? { ...value, account: { ...value.account, disabled: true } } : value,
    );
    const here = world({ values });
    const { state, answered } = await post(here, [text(zero)]);
    const event = decodeIngressEvent(here.calls[0]?.events[0] ?? new Uint8Array());
    expect(event.kind === "event" && event.event.body).toMatchObject({
      case: "quarantine",
      value: { reason: "account_disabled" },
    });
    here.calls[0]?.answer.resolve(stored);
    await answered;
    expect(state.status).toBe(200);
  });

  it("quarantines a message that the door made for somebody else", async () => {
    const somebodyElse = accountIdOf(tenantId, sampleChannel, "other");
    const door = sampleReading(({ normalise }) => ({
      normalise: (account) => normalise({ ...account, accountId: somebodyElse }),
    }));
    const here = world({ door });
    const { answered } = await post(here, [text(zero)]);
    const event = decodeIngressEvent(here.calls[0]?.events[0] ?? new Uint8Array());
    expect(event.kind === "event" && event.event.body).toMatchObject({
      case: "quarantine",
      value: { reason: "message_at_odds_with_account" },
    });
    here.calls[0]?.answer.resolve(stored);
    await answered;
  });

  it("quarantines a message whose id core could not keep", async () => {
    for (const id of ["a\0b", "✓".repeat(400)]) {
      const here = world();
      const { answered } = await post(here, [text(zero, id)]);
      const event = decodeIngressEvent(here.calls[0]?.events[0] ?? new Uint8Array());
      expect(event.kind === "event" && event.event.body).toMatchObject({
        case: "quarantine",
        value: { reason: "source_message_id" },
      });
      here.calls[0]?.answer.resolve(stored);
      await answered;
    }
  });

  it("quarantines a request whose events are together larger than 4 MiB, however small it was itself", async () => {
    const here = world({ door: amplified });
    const { answered } = await post(here, [text(zero)]);
    const event = decodeIngressEvent(here.calls[0]?.events[0] ?? new Uint8Array());
    expect(here.calls.map(({ events }) => events.length)).toEqual([1]);
    expect(event.kind === "event" && event.event.body).toMatchObject({
      case: "quarantine",
      value: { reason: "too_much_in_one_request" },
    });
    here.calls[0]?.answer.resolve(stored);
    await answered;
  });
});

describe("webhook of an account that is being moved", () => {
  /** From two shards to three, as far as these edges have gone over. */
  const moved = (...closedBy: string[]) =>
    directoryOf([alice]).map((init) => ({
      ...init,
      ...(init.account && {
        account: { ...init.account, shardCount: 3, generation: 2n, previous: [{ homeRegion: "local", shardCount: 2 }], closedBy },
      }),
    }));
  const placeIn = (to: string, shards: number) => partitionOf(conversationIdOf(alice.accountId, to), shards);
  const stays = rooms.find((to) => placeIn(to, 2) === placeIn(to, 3)) ?? "";
  const moves = rooms.find((to) => placeIn(to, 2) !== placeIn(to, 3)) ?? "";

  it("G4: answers 503 with Retry-After 2 for what changes its uplink, and has the older layout closed", async () => {
    const closed: unknown[] = [];
    for (const events of [[text(moves)], [text(stays), text(moves)]]) {
      const here = world({ values: moved("another") });
      here.ports.close = async ({ shard }, closing) => {
        closed.push([shard, closing]);
        return stored;
      };
      const { state, answered } = await post(here, events);
      await answered;
      expect([state.status, state.headers.get("retry-after"), here.calls.length]).toEqual([503, "2", 0]);
    }
    const closing = { accountId: alice.accountId, layoutVersion: 2, edge: "local" };
    const both = [0, 1].map((shard) => [shard, closing]);
    expect(closed).toEqual([...both, ...both]);
  });

  it("lets what keeps its uplink through, under the new layout; and everything once this edge has gone over", async () => {
    for (const [to, closedBy] of [
      [stays, []],
      [moves, ["local"]],
    ] as const) {
      const here = world({ values: moved(...closedBy) });
      const { state, answered } = await post(here, [text(to)]);
      expect(here.calls.map(({ shard }) => shard)).toEqual([
        { region: "local", shard: placeIn(to, 3), accountId: alice.accountId, layoutVersion: 2 },
      ]);
      here.calls[0]?.answer.resolve(stored);
      await answered;
      expect(state.status).toBe(200);
    }
  });

  it("G4: answers 503 when an uplink knows of a move that this isolate does not, and looks at the directory again", async () => {
    const here = world();
    const first = await post(here, [text(zero)]);
    here.calls[0]?.answer.resolve({ kind: "unavailable", reason: "moved" });
    await first.answered;
    expect([first.state.status, first.state.headers.get("retry-after")]).toEqual([503, "2"]);
    const before = here.lookups();
    const second = await post(here, [text(zero)]);
    expect(here.lookups()).toBe(before + 1);
    here.calls[1]?.answer.resolve(stored);
    await second.answered;
  });
});

/** A door that repeats a long part of a request in each of its events. */
const amplified = sampleReading(({ normalise }) => ({
  normalise: (account) => {
    const normalised = normalise(account);
    const [first] = normalised.kind === "messages" ? normalised.events : [];
    if (!first) return normalised;
    const long = { ...first, message: { ...first.message, text: "x".repeat(100_000) } };
    return { kind: "messages", events: Array.from({ length: 50 }, () => ({ ...long, message: { ...long.message } })) };
  },
}));
