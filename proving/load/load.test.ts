// The load against a platform of a few lines: what it keeps of each message must be true, or the judge would judge the load.
import { expect, it } from "vitest";
import { eventually } from "../kit/time/eventually.ts";
import { Load, type LoadedPlatform } from "./load.ts";

const turns = [
  { atMs: 0, lane: 0, conversation: "load-0", k: 1, user: "ann" },
  { atMs: 2, lane: 0, conversation: "load-0", k: 2, user: "bob" },
];
const bodyOf = (text: string) => JSON.stringify({ event: { text } });
const alone = { repeats: false, waitingMax: 100 };
const going = new AbortController().signal;

function platform(changes: Partial<LoadedPlatform>): LoadedPlatform {
  return {
    channel: "slack",
    pairs: false,
    waiting: 0,
    write: async ({ text }) => `id of ${text}`,
    tried: async () => new Set(),
    redeliver: async () => {},
    ...changes,
  };
}

async function played(load: Load, ...platforms: LoadedPlatform[]) {
  load.endAfter(5);
  return load.play(platforms, going);
}

it("keeps the first request and the first 2xx of each message, through repeats", async () => {
  const load = new Load(turns, alone);
  const written: string[] = [];
  const { messages } = await played(
    load,
    platform({
      async write({ text }) {
        written.push(text);
        load.attempted(bodyOf(text), { sentMs: 10, answeredMs: 20, status: 0 });
        load.attempted(bodyOf(text), { sentMs: 30, answeredMs: 40, status: 503 });
        load.attempted(bodyOf(text), { sentMs: 50, answeredMs: 60, status: 200 });
        load.attempted(bodyOf(text), { sentMs: 70, answeredMs: 80, status: 200 });
        return text;
      },
    }),
  );
  expect(written).toEqual(["n:load-0:1", "n:load-0:2"]);
  for (const message of messages) {
    expect(message).toMatchObject({ acknowledged: true, times: { firstRequestMs: 10, acknowledgedMs: 60 } });
    expect(message.attempts.map(({ status }) => status)).toEqual([0, 503, 200, 200]);
  }
});

it("takes an answer that quotes a message, and a handshake, for no webhook of the message", async () => {
  const load = new Load(turns, alone);
  await played(load, platform({}));
  load.attempted(bodyOf("You said: n:load-0:1"), { sentMs: 10, answeredMs: 20, status: 200 });
  const reply = JSON.stringify({ event: { text: "thinking…", replied_message: { text: "n:load-0:1" } } });
  load.attempted(reply, { sentMs: 10, answeredMs: 20, status: 200 });
  load.attempted(bodyOf("n:load-9:1"), { sentMs: 10, answeredMs: 20, status: 200 });
  load.attempted("", { sentMs: 10, answeredMs: 20, status: 200 });
  expect(load.messages.map(({ acknowledged, attempts }) => [acknowledged, attempts.length])).toEqual([
    [false, 0],
    [false, 0],
  ]);
});

it("waits at the end only while a platform still tries something", async () => {
  const load = new Load(turns, alone);
  let asked = 0;
  await played(load, platform({ tried: async () => new Set(++asked < 3 ? ["m1"] : []) }));
  await load.settle(60_000);
  expect(asked).toBe(3);
  expect(load.messages.map(({ acknowledged }) => acknowledged)).toEqual([false, false]);
});

it("gives up in time on a platform that never gets a 2xx, and says so", async () => {
  const load = new Load(turns, { ...alone, repeats: true });
  await played(load, platform({}));
  await load.settle(0);
  expect(load.messages.map(({ acknowledged }) => acknowledged)).toEqual([false, false]);
});

it("tells once more what the platform has given up, until it gets its 2xx, and nothing that it still tries", async () => {
  const load = new Load(turns, { ...alone, repeats: true });
  const told: string[] = [];
  const attempt = (text: string, status: number) => {
    const nowMs = performance.now();
    load.attempted(bodyOf(text), { sentMs: nowMs, answeredMs: nowMs, status });
  };
  const flaky = platform({
    async write({ text }) {
      attempt(text, 503);
      return text;
    },
    // The platform itself cares for the second.
    tried: async () => new Set(["n:load-0:2"]),
    async redeliver({ id }) {
      told.push(id);
      attempt(id, told.length < 3 ? 503 : 200);
      if (told.length === 3) attempt("n:load-0:2", 200);
    },
  });
  const over = new AbortController();
  const repeating = load.repeat(over.signal);
  await played(load, flaky);
  await load.settle(60_000);
  over.abort();
  await repeating;
  expect(told).toEqual(["n:load-0:1", "n:load-0:1", "n:load-0:1"]);
  expect(load.messages.every(({ acknowledged }) => acknowledged)).toBe(true);
});

it("spreads its conversations evenly over the platforms, and judges both of a pair", async () => {
  const lanes = [0, 1, 2, 3].map((lane) => ({ atMs: lane, lane, conversation: `load-${lane}`, k: 1, user: "ann" }));
  const load = new Load(lanes, alone);
  await played(load, platform({ channel: "slack" }), platform({ channel: "test", pairs: true }));
  expect(load.messages.map(({ channel, conversation }) => [channel, conversation])).toEqual([
    ["slack", "load-0"],
    ["test", "load-1"],
    ["slack", "load-2"],
    ["test", "load-3"],
  ]);
  expect(load.sent.map(({ conversation }) => conversation)).toEqual([
    "load-0",
    "load-1-a",
    "load-1-b",
    "load-2",
    "load-3-a",
    "load-3-b",
  ]);
});

it("judges what is written beside the schedule with the rest", async () => {
  const load = new Load(turns, alone);
  const slack = platform({});
  await played(load, slack);
  const message = await load.write(slack, { conversation: "beside", k: 1, user: "ann" });
  load.attempted(bodyOf("n:beside:1"), { sentMs: 10, answeredMs: 20, status: 200 });
  expect(message).toMatchObject({ id: "id of n:beside:1", acknowledged: true });
  expect(load.sent).toHaveLength(3);
});

it("plays a schedule without end until it is told when to end", async () => {
  function* endless() {
    for (let k = 1; ; k += 1) yield { atMs: k, lane: 0, conversation: "load-0", k, user: "ann" };
  }
  const load = new Load(endless(), alone);
  const slack = platform({
    async write({ text }) {
      if (text === "n:load-0:5") load.endAfter(20);
      return text;
    },
  });
  const { messages, tookMs } = await load.play([slack], going);
  expect(messages).toHaveLength(19);
  expect(tookMs).toBeGreaterThanOrEqual(20);
});

it("writes nothing new beside too many webhooks that wait for their answer, and later what was due, saying how late", async () => {
  const load = new Load(turns, { ...alone, waitingMax: 2 });
  const crowded = { waiting: 2 };
  const slack = platform({ channel: "slack" });
  const playing = load.play([Object.defineProperty(slack, "waiting", { get: () => crowded.waiting })], going);
  load.endAfter(5);
  const relieved = performance.now() + 50;
  await eventually("time passes", () => performance.now() > relieved);
  expect(load.messages).toEqual([]);
  crowded.waiting = 1;
  const { messages } = await playing;
  expect(messages.map(({ k }) => k)).toEqual([1, 2]);
  expect(messages.every(({ lateMs }) => lateMs > 40)).toBe(true);
});
