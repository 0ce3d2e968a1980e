import { clockOf } from "@mio/shared/clock.ts";
import { DatabaseError } from "pg";
import { expect, it } from "vitest";
import { createGroupCommit } from "./group-commit.ts";

function refusal(): DatabaseError {
  return Object.assign(new DatabaseError("refused", 0, "error"), { code: "22021" });
}

function groupCommitOf(write: (items: readonly string[]) => Promise<readonly string[]>, signal = new AbortController().signal) {
  return createGroupCommit<string, string>({ write, groupMax: 3, clock: clockOf(globalThis), signal, onRetry: () => {} });
}

it("writes together what waits, in order, one statement at a time", async () => {
  const groups: string[][] = [];
  let running = 0;
  const groupCommit = groupCommitOf(async (items) => {
    expect(++running).toBe(1);
    groups.push([...items]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running -= 1;
    return items.map((item) => item.toUpperCase());
  });
  const results = await Promise.all(["a", "b", "c", "d", "e"].map((item) => groupCommit.add(item)));
  expect(results).toEqual(["A", "B", "C", "D", "E"]);
  expect(groups).toEqual([
    ["a", "b", "c"],
    ["d", "e"],
  ]);
});

it("does not let one poison item take the others with it", async () => {
  const groupCommit = groupCommitOf(async (items) => {
    if (items.includes("bad")) throw refusal();
    return items;
  });
  const results = await Promise.allSettled(["a", "bad", "c"].map((item) => groupCommit.add(item)));
  expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
});

it("waits for a database that is away, until it is told not to", async () => {
  const stop = new AbortController();
  let calls = 0;
  const groupCommit = groupCommitOf(async (items) => {
    calls += 1;
    if (calls < 3 || items.includes("never")) throw new Error("connection refused");
    return items;
  }, stop.signal);
  expect(await groupCommit.add("a")).toBe("a");
  expect(calls).toBe(3);
  const never = groupCommit.add("never");
  setTimeout(() => stop.abort(), 10);
  await expect(never).rejects.toThrow("connection refused");
});
