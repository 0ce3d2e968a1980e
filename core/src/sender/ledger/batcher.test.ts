import { clockOf } from "@mio/shared/clock.ts";
import { DatabaseError } from "pg";
import { expect, it } from "vitest";
import { createBatcher } from "./batcher.ts";

function refusal(): DatabaseError {
  return Object.assign(new DatabaseError("refused", 0, "error"), { code: "22021" });
}

function batcherOf(write: (items: readonly string[]) => Promise<readonly string[]>, signal = new AbortController().signal) {
  return createBatcher<string, string>({ write, batchMax: 3, clock: clockOf(globalThis), signal, onRetry: () => {} });
}

it("writes together what waits, in order, one statement at a time", async () => {
  const batches: string[][] = [];
  let running = 0;
  const batcher = batcherOf(async (items) => {
    expect(++running).toBe(1);
    batches.push([...items]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running -= 1;
    return items.map((item) => item.toUpperCase());
  });
  const results = await Promise.all(["a", "b", "c", "d", "e"].map((item) => batcher.add(item)));
  expect(results).toEqual(["A", "B", "C", "D", "E"]);
  expect(batches).toEqual([
    ["a", "b", "c"],
    ["d", "e"],
  ]);
});

it("does not let one poison item take the others with it", async () => {
  const batcher = batcherOf(async (items) => {
    if (items.includes("bad")) throw refusal();
    return items;
  });
  const results = await Promise.allSettled(["a", "bad", "c"].map((item) => batcher.add(item)));
  expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
});

it("waits for a database that is away, until it is told not to", async () => {
  const stop = new AbortController();
  let calls = 0;
  const batcher = batcherOf(async (items) => {
    calls += 1;
    if (calls < 3 || items.includes("never")) throw new Error("connection refused");
    return items;
  }, stop.signal);
  expect(await batcher.add("a")).toBe("a");
  expect(calls).toBe(3);
  const never = batcher.add("never");
  setTimeout(() => stop.abort(), 10);
  await expect(never).rejects.toThrow("connection refused");
});
