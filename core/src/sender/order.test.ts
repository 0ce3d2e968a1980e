// Order in a conversation, fairness between accounts, the platform's pace, edits: all judged by the platform's own log of arrivals.

import { createStage, type Stage, states } from "@mio/proving/kit/sender/stage.ts";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

// Real servers on a busy machine.
vi.setConfig({ testTimeout: 240_000 });

let stage: Stage;
beforeEach(async () => {
  stage = await createStage();
});
afterEach(() => stage[Symbol.asyncDispose]());

it("G4: has one command of a conversation in hand at a time, in order, also when some fail and others are told to wait", async () => {
  const account = await stage.account("a");
  let inHand = new Map<string, number>();
  let overlaps = 0;
  let refused = 0;
  stage.platform.behave = (call) => {
    const number = Number(call.text.split(".")[1]);
    const busy = inHand.get(call.conversation);
    if (busy !== undefined && performance.now() < busy) overlaps += 1;
    if (number % 7 === 3 && refused++ < 20) return { kind: "status", status: 503 };
    if (number % 11 === 5) return { kind: "status", status: 400 };
    const afterMs = 2 + ((number * 7) % 15);
    inHand = inHand.set(call.conversation, performance.now() + afterMs - 1);
    return { kind: "answer", afterMs };
  };
  const commands = Array.from({ length: 400 }, (_, index) => stage.command(account, `c${index % 8}`, `t.${index}`));
  stage.start({ limits: { backoff: { startMs: 5, maxMs: 20 } } });
  await stage.publish(...commands);
  const finals = await stage.ended(400);
  expect(overlaps).toBe(0);
  expect([...finals.values()].filter((receipt) => receipt.state === states.FAILED).length).toBeGreaterThan(20);
  for (const messages of stage.platform.shown.values()) {
    const numbers = messages.map(({ text }) => Number(text.split(".")[1]));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  }
});

it("G7: a throttled account with a long queue does not hold up another one", async () => {
  const slow = await stage.account("slow", 10);
  const quick = await stage.account("quick");
  await stage.publish(...Array.from({ length: 3_000 }, (_, index) => stage.command(slow, `s${index % 500}`, "s")));
  await stage.publish(...Array.from({ length: 100 }, (_, index) => stage.command(quick, `q${index % 10}`, "q")));
  stage.start();
  const quickDone = async () => stage.platform.calls.filter((call) => call.credential === "quick").length;
  await expect.poll(quickDone, { timeout: 30_000, interval: 20 }).toBe(100);
  const order = stage.platform.calls.map((call) => call.credential);
  const between = order
    .slice(order.indexOf("quick"), order.lastIndexOf("quick"))
    .filter((credential) => credential === "slow").length;
  // What its own rate allows in that time, not its queue's length.
  expect(between).toBeLessThan(100);
});

it("G7: two accounts without limits take turns", async () => {
  const accounts = [await stage.account("a"), await stage.account("b")] as const;
  stage.platform.behave = () => ({ kind: "answer", afterMs: 5 });
  await stage.publish(...Array.from({ length: 300 }, () => stage.command(accounts[0], "one", "x")));
  await stage.publish(...Array.from({ length: 300 }, () => stage.command(accounts[1], "one", "x")));
  stage.start();
  await stage.ended(600, 200_000);
  const order = stage.platform.calls.map((call) => call.credential);
  const half = order.slice(0, 300).filter((credential) => credential === "a").length;
  expect(half).toBeGreaterThan(100);
  expect(half).toBeLessThan(200);
});

it("G8: keeps the rate at the platform's side, also after a restart, and a waiting command spends no attempt", async () => {
  const limit = 20;
  const account = await stage.account("a", limit);
  const commands = Array.from({ length: 260 }, (_, index) => stage.command(account, `c${index % 30}`, `${index}`));
  await stage.publish(...commands);
  const first = stage.start();
  await expect.poll(() => stage.platform.calls.length, { timeout: 30_000 }).toBeGreaterThan(80);
  await first.stop();
  stage.start();
  const finals = await stage.ended(260, 100_000);
  for (const receipt of finals.values()) expect(receipt).toMatchObject({ state: states.SENT, attempts: 1 });
  const times = stage.platform.calls.map((call) => call.atMs);
  for (const [index, from] of times.entries()) {
    const inWindow = times.slice(index).filter((atMs) => atMs < from + 10_000).length;
    expect(inWindow).toBeLessThanOrEqual(Math.ceil(1.01 * limit * 10) + 1);
  }
});

it("G8: waits as long as the platform says, the whole account, and spends no attempt", async () => {
  const account = await stage.account("a");
  let limited = 0;
  let untilMs = 0;
  let early = 0;
  stage.platform.behave = () => {
    const now = performance.now();
    if (now < untilMs) early += 1;
    if (limited < 3 && now > untilMs) {
      limited += 1;
      // Calls that were on their way already are not held against us.
      untilMs = now + 400;
      return { kind: "status", status: 429, retryAfterMs: 400 };
    }
    return { kind: "answer" };
  };
  const commands = Array.from({ length: 40 }, (_, index) => stage.command(account, `c${index % 4}`, `${index}`));
  stage.start();
  await stage.publish(...commands);
  const finals = await stage.ended(40);
  for (const receipt of finals.values()) expect(receipt).toMatchObject({ state: states.SENT, attempts: 1 });
  expect(limited).toBe(3);
  // At most what was in its call in the other three lanes when the first answer came.
  expect(early).toBeLessThanOrEqual(3 * 3);
});

it("edits its own message by the command's id and by the Message's, also when the edit waits for it", async () => {
  const account = await stage.account("a");
  stage.platform.behave = () => ({ kind: "answer", afterMs: 100 });
  const thinking = stage.command(account, "general", "thinking…");
  const answer = stage.command(account, "general", "answer", { editOfMessageId: thinking.id });
  stage.start();
  await stage.publish(thinking, answer);
  const finals = await stage.ended(2);
  const messageId = finals.get(thinking.id)?.messageIds[0] ?? "";
  expect(finals.get(answer.id)).toMatchObject({ state: states.SENT, externalIds: ["p1"], messageIds: [messageId] });
  const better = stage.command(account, "general", "better", { editOfMessageId: messageId });
  const best = stage.command(account, "general", "best", { editOfMessageId: better.id });
  const direct = stage.command(account, "general", "direct", { editOfExternalId: "p1" });
  const elsewhere = stage.command(account, "other", "no", { editOfMessageId: thinking.id });
  await stage.publish(better);
  await stage.ended(3);
  await stage.publish(best, direct, elsewhere);
  const all = await stage.ended(6);
  expect(all.get(elsewhere.id)).toMatchObject({ state: states.FAILED, errorCode: "edit_target_elsewhere" });
  expect(all.get(best.id)?.state).toBe(states.SENT);
  expect(stage.platform.shown.get("general")).toEqual([{ id: "p1", text: "direct" }]);
});

it("makes one of edits that wait together, each with its own final receipt", async () => {
  const account = await stage.account("a");
  const sent = stage.command(account, "general", "0");
  const edits = [1, 2, 3, 4].map((number) => stage.command(account, "general", `${number}`, { editOfMessageId: sent.id }));
  const other = stage.command(account, "general", "other");
  const last = stage.command(account, "general", "5", { editOfMessageId: sent.id });
  // Slow enough that the edits have come when it is done.
  stage.platform.behave = (call) => ({ kind: "answer", afterMs: call.text === "0" ? 1_000 : 0 });
  await stage.publish(sent, ...edits, other, last);
  stage.start();
  const finals = await stage.ended(7);
  const outcome = (id: string) => [finals.get(id)?.state, finals.get(id)?.errorCode];
  expect(edits.map((edit) => outcome(edit.id))).toEqual([
    [states.CANCELLED, "superseded"],
    [states.CANCELLED, "superseded"],
    [states.CANCELLED, "superseded"],
    [states.SENT, ""],
  ]);
  expect(stage.platform.calls.map((call) => call.text)).toEqual(["0", "4", "other", "5"]);
});

it("lets a superseded edit stand for what it was about, so that a chain of edits by the last one's id goes on", async () => {
  const account = await stage.account("a");
  const sender = stage.start();
  const sent = stage.command(account, "general", "0");
  await stage.publish(sent);
  const first = (await stage.ended(1)).get(sent.id);
  await sender.stop();
  const messageId = first?.messageIds[0] ?? "";
  const chainOf = (target: Parameters<Stage["command"]>[3], name: string) => {
    const one = stage.command(account, "general", `${name}1`, target);
    const two = stage.command(account, "general", `${name}2`, target);
    const onOne = stage.command(account, "general", `${name}3`, { editOfMessageId: one.id });
    const alsoOnOne = stage.command(account, "general", `${name}4`, { editOfMessageId: one.id });
    const onThree = stage.command(account, "general", `${name}5`, { editOfMessageId: onOne.id });
    return [one, two, onOne, alsoOnOne, onThree];
  };
  const chains = [
    ...chainOf({ editOfMessageId: sent.id }, "command"),
    ...chainOf({ editOfMessageId: messageId }, "message"),
    ...chainOf({ editOfExternalId: "p1" }, "external"),
  ];
  const plug = stage.command(account, "general", "plug");
  stage.platform.behave = (call) => ({ kind: "answer", afterMs: call.text === "plug" ? 1_000 : 0 });
  await stage.publish(plug, ...chains);
  stage.start();
  const finals = await stage.ended(2 + chains.length);
  const outcome = chains.map((command) => finals.get(command.id)?.errorCode);
  expect(outcome).toEqual([1, 2, 3].flatMap(() => ["superseded", "", "superseded", "", ""]));
  expect(stage.platform.shown.get("general")).toEqual([
    { id: "p1", text: "external5" },
    { id: "p2", text: "plug" },
  ]);
});
