// What waits between a source and its reader.
import { expect, it } from "vitest";
import { createEventQueue } from "./event-queue.ts";

function queueOf() {
  const answered: string[] = [];
  return { queue: createEventQueue<number>((reply) => void answered.push(reply)), answered };
}

it("answers flow control only when all before it has been taken", () => {
  const { queue, answered } = queueOf();
  queue.push(1);
  queue.pushFlowControl("a");
  queue.push(2);
  expect([queue.take(), answered]).toEqual([1, []]);
  expect([queue.take(), answered]).toEqual([2, ["a"]]);
  queue.pushFlowControl("b");
  expect([queue.take(), answered]).toEqual([undefined, ["a", "b"]]);
});

it("answers what a heartbeat reminds it of once, and again when reminded later", () => {
  const { queue, answered } = queueOf();
  queue.pushFlowControl("a");
  queue.remindOfFlowControl("a");
  queue.remindOfFlowControl("a");
  expect([queue.take(), answered]).toEqual([undefined, ["a"]]);
  queue.remindOfFlowControl("a");
  expect([queue.take(), answered]).toEqual([undefined, ["a", "a"]]);
});

it("is readable when something comes, and no more once closed", async () => {
  const { queue } = queueOf();
  const first = queue.readable();
  queue.push(1);
  expect(await first).toBe(true);
  expect([queue.size(), await queue.readable(), queue.take(), queue.size()]).toEqual([1, true, 1, 0]);
  const last = queue.readable();
  queue.close();
  expect([await last, await queue.readable()]).toEqual([false, false]);
});

it("forgets what was not taken when it is cleared, flow control with it", () => {
  const { queue, answered } = queueOf();
  queue.push(1);
  queue.pushFlowControl("a");
  queue.clear();
  expect([queue.take(), queue.size(), answered]).toEqual([undefined, 0, []]);
});
