// The engine of all runs itself, for real and short: the whole system on the Node host, two platforms, and a fault of a few lines.
import { expect, it } from "vitest";
import type { Fault } from "../faults/fault.ts";
import { runPlan } from "./run.ts";

it("G1 G2 G3 G4: three seconds at 50 messages a second arrive once and in order", { timeout: 120_000 }, async () => {
  const acts: string[] = [];
  const fault: Fault = {
    name: "told-twice",
    help: "writes a message beside the load, and tells it once more",
    async run({ load, platforms, account, at }) {
      const [slack] = platforms;
      if (!slack) throw new Error("there is a platform");
      await at(0.5);
      const { conversation, id } = await load.write(slack, { conversation: "beside", k: 1, user: "ann" });
      await slack.redeliver({ conversation, id, wait: true });
      acts.push(`run on ${account.channel_type}`);
      return { figures: { told: 2 }, findings: [] };
    },
    async after({ load }) {
      acts.push("after");
      return {
        doubled: [],
        findings: load.messages.every(({ acknowledged }) => acknowledged) ? [] : ["not all is acknowledged"],
      };
    },
  };
  const { report, messages, judgement } = await runPlan(
    {
      seed: 7,
      channels: ["slack", "test"],
      pairs: ["test"],
      host: "node",
      rate: 50,
      conversations: 20,
      agent: false,
      stages: [
        { seconds: 1, faults: [] },
        { seconds: 1, faults: [{ fault, count: 1 }] },
        { seconds: 1, faults: [] },
      ],
      allAcknowledged: true,
      waitingMax: 100,
    },
    { progress: () => {}, playing: () => () => {}, signal: new AbortController().signal },
  );
  expect(acts).toEqual(["run on slack", "after"]);
  expect(judgement).toEqual({ lost: [], doubled: [], outOfOrder: [], unknown: [] });
  // Stages end a little after their time, never before.
  expect(report.messages).toBeGreaterThanOrEqual(151);
  expect(report.webhooks).toBe(report.messages + 1);
  expect(report.statuses).toEqual({ "200": report.webhooks });
  expect(report).toMatchObject({ lost: 0, doubled: 0, out_of_order: 0, unknown: 0, quarantined: 0, given_up: 0 });
  expect(report.faults).toEqual([{ name: "told-twice", ok: true, figures: { told: 2 }, findings: [] }]);
  expect(new Set(messages.map(({ channel }) => channel))).toEqual(new Set(["slack", "test"]));
});
