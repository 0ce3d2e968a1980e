// The load against a platform of a few lines: what it keeps of each message must be true, or the judge would judge the load.
import { expect, it } from "vitest";
import { Load } from "./load.ts";

const turns = [
  { atMs: 0, conversation: "load-0", k: 1, user: "ann" },
  { atMs: 2, conversation: "load-0", k: 2, user: "bob" },
];
const bodyOf = (text: string) => JSON.stringify({ event: { text } });
const going = new AbortController().signal;

it("keeps the first request and the first 2xx of each message, through repeats", async () => {
  const load = new Load(turns, 0);
  const written: string[] = [];
  const platform = {
    async write({ text }: { text: string }) {
      written.push(text);
      load.attempted(bodyOf(text), { sentMs: 10, answeredMs: 20, status: 0 });
      load.attempted(bodyOf(text), { sentMs: 30, answeredMs: 40, status: 503 });
      load.attempted(bodyOf(text), { sentMs: 50, answeredMs: 60, status: 200 });
      load.attempted(bodyOf(text), { sentMs: 70, answeredMs: 80, status: 200 });
    },
  };
  const { messages } = await load.play(platform, going);
  expect(written).toEqual(["n:load-0:1", "n:load-0:2"]);
  for (const message of messages) {
    expect(message).toMatchObject({ acknowledged: true, times: { firstRequestMs: 10, acknowledgedMs: 60 } });
    expect(message.attempts.map(({ status }) => status)).toEqual([0, 503, 200, 200]);
  }
});

it("takes an answer that quotes a message, and a handshake, for no webhook of the message", async () => {
  const load = new Load(turns, 0);
  await load.play({ write: async () => {} }, going);
  load.attempted(bodyOf("You said: n:load-0:1"), { sentMs: 10, answeredMs: 20, status: 200 });
  load.attempted(bodyOf("n:load-9:1"), { sentMs: 10, answeredMs: 20, status: 200 });
  load.attempted("", { sentMs: 10, answeredMs: 20, status: 200 });
  expect(load.messages.map(({ acknowledged, attempts }) => [acknowledged, attempts.length])).toEqual([
    [false, 0],
    [false, 0],
  ]);
});

it("waits at the end only while the platform owes something", async () => {
  const load = new Load(turns, 0);
  await load.play({ write: async () => {} }, going);
  let asked = 0;
  await load.settle({ owes: async () => ++asked < 3 }, 60_000);
  expect(asked).toBe(3);
  await load.settle({ owes: async () => true }, 0);
});
