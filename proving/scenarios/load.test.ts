// The driver against a platform of a few lines: the load must keep its own promise of order, or the judge would judge the driver.
import { seededRandom } from "@mio/shared/random.ts";
import { expect, it } from "vitest";
import { textOf } from "../judge/check.ts";
import { type Platform, startLoad } from "./load.ts";

/** Answers as `statusOf` says; keeps what came and when each was answered with a 2xx. */
function platform(channelType: string, statusOf: (webhook: number) => number) {
  const log: { text: string; status: number }[] = [];
  const texts = new Map<string, string>();
  let webhooks = 0;
  const answer = (id: string, conversation: string) => {
    const status = statusOf(webhooks++);
    log.push({ text: texts.get(id) ?? "", status });
    return Promise.resolve({ id, conversation, answer: { status, durationMs: status === 0 ? 3_000 : 2 } });
  };
  const made: Platform = {
    channelType,
    post({ conversation, text }) {
      const id = `m${texts.size}`;
      texts.set(id, text);
      return answer(id, conversation);
    },
    redeliver: ({ conversation, id }) => answer(id, conversation),
  };
  return { platform: made, log };
}

it("writes the next of a conversation only after the 2xx for the last, and repeats what got none", async () => {
  const flaky = platform("slack", (webhook) => (webhook % 3 === 1 ? 503 : webhook % 7 === 2 ? 0 : 200));
  const good = platform("zoho_cliq", () => 200);
  const load = startLoad({
    platforms: [flaky.platform, good.platform],
    conversations: 4,
    rate: 200,
    prefix: "t",
    random: seededRandom(7),
  });
  await until(() => load.report().messages.length >= 80);
  const report = await load.stop();

  expect(report.messages.every((message) => message.acknowledged)).toBe(true);
  expect(report.refused).toBeGreaterThan(0);
  expect(report.unanswered).toBeGreaterThan(0);
  expect(report.slowestMs).toBe(3_000);
  expect(report.slowestUntilAcknowledgedMs).toBeGreaterThan(100);
  expect(new Set(report.messages.map((message) => message.conversation)).size).toBe(4);
  expect(report.webhooks).toBe(flaky.log.length + good.log.length);
  for (const { log } of [flaky, good]) {
    const acknowledged = new Set<string>();
    for (const { text, status } of log) {
      const [, conversation = "", k] = /^n:(.*):(\d+)$/.exec(text) ?? [];
      if (Number(k) > 1) expect(acknowledged).toContain(textOf(conversation, Number(k) - 1));
      if (status === 200) acknowledged.add(text);
    }
  }
});

it("gives up in time on a platform that never gets a 2xx, and says so", async () => {
  const dead = platform("telegram", () => 0);
  const load = startLoad({ platforms: [dead.platform], conversations: 2, rate: 100, prefix: "t", random: seededRandom(1) });
  await until(() => load.report().messages.length === 2);
  const report = await load.stop(100);
  expect(report.messages.map((message) => message.acknowledged)).toEqual([false, false]);
});

it("keeps the rate that was asked for", async () => {
  const good = platform("slack", () => 200);
  const startMs = performance.now();
  const load = startLoad({ platforms: [good.platform], conversations: 20, rate: 200, prefix: "t", random: seededRandom(1) });
  await until(() => load.report().messages.length >= 200);
  const rate = (load.report().messages.length * 1000) / (performance.now() - startMs);
  await load.stop();
  expect(rate).toBeGreaterThan(140);
  expect(rate).toBeLessThan(240);
});

async function until(condition: () => boolean, withinMs = 20_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error("the condition did not come true in time");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
