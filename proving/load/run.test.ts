// The load kit itself, for real and short: the whole system on the Node host.
import { expect, it } from "vitest";
import { runLoad } from "./run.ts";

it("G1 G2 G3 G4: three seconds at 50 messages a second arrive once and in order", async () => {
  const report = await runLoad(
    { channel: "slack", host: "node", rate: 50, seconds: 3, conversations: 20, faults: [], seed: 7 },
    { progress: () => {}, playing: () => () => {}, signal: new AbortController().signal },
  );
  expect(report.messages).toBe(150);
  expect(report.statuses).toEqual({ "200": 150 });
  expect(report).toMatchObject({ lost: 0, doubled: 0, out_of_order: 0, unknown: 0, quarantined: 0, given_up: 0 });
});
