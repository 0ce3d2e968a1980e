import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { type TestContext, testContext } from "../testing/context.ts";
import { createSender } from "./sender.ts";
import { type DoorOptions, plainDoor } from "./testing/door.ts";
import { createStage, type Stage, states } from "./testing/stage.ts";

let stage: Stage;
const running: { context: TestContext; done: Promise<void> }[] = [];

beforeEach(async () => {
  stage = await createStage();
});
afterEach(async () => {
  for (const { context } of running) context.stop();
  await Promise.all(running.map(({ done }) => done));
  for (const { context } of running.splice(0)) await context[Symbol.asyncDispose]();
  await stage[Symbol.asyncDispose]();
});

function start(options: DoorOptions & { checkpoint?: (name: string) => Promise<void> } = {}): TestContext {
  const { checkpoint, ...door } = options;
  const context = testContext({ nats: stage.nats, dsn: stage.dsn, ...(checkpoint ? { checkpoint } : {}) });
  running.push({ context, done: createSender([plainDoor(door)]).run(context) });
  return context;
}

it("sends a command and tells what became of it", async () => {
  const account = await stage.account("a");
  const command = stage.command(account, "general", "hello");
  start();
  await stage.publish(command);
  const finals = await stage.ended(1);
  expect(finals.get(command.id)).toMatchObject({ state: states.SENT, externalIds: ["p1"], attempts: 1, final: true });
  expect(stage.platform.shown.get("general")).toEqual([{ id: "p1", text: "hello" }]);
});

it("G5: gives each command of a burst of 5,000 exactly one final receipt", async () => {
  const accounts = [await stage.account("a"), await stage.account("b")];
  const commands = Array.from({ length: 5_000 }, (_, index) => {
    const account = accounts[index % 2] ?? accounts[0];
    if (account === undefined) throw new Error("no account");
    return stage.command(account, `c${index % 60}`, `${index}`);
  });
  start();
  const startedMs = performance.now();
  await stage.publish(...commands);
  const finals = await stage.ended(5_000, 50_000);
  console.log(`5000 commands in ${Math.round(performance.now() - startedMs)} ms`);
  expect(finals.size).toBe(5_000);
  for (const command of commands) expect(finals.get(command.id)?.state).toBe(states.SENT);
  for (const [conversation, messages] of stage.platform.shown) {
    const numbers = messages.map(({ text }) => Number(text));
    expect(numbers, conversation).toEqual([...numbers].sort((a, b) => a - b));
  }
});
