import { expect, it } from "vitest";
import { summaryOf } from "../load/summary.ts";
import { type RunFacts, reportOf } from "./report.ts";

const message = { channel: "slack", conversation: "load-0", id: "m", acknowledged: true, lateMs: 1 };
const answered = (status: number, tookMs: number) => ({ sentMs: 1_000, answeredMs: 1_000 + tookMs, status });
const good: RunFacts = {
  seed: 1,
  channel: "slack",
  host: "node",
  rate: 2,
  seconds: 1,
  conversations: 1,
  edgeDies: false,
  allAcknowledged: false,
  played: {
    messages: [
      { ...message, k: 1, attempts: [answered(200, 5)] },
      { ...message, k: 2, attempts: [answered(503, 7), answered(200, 6)] },
    ],
    tookMs: 1_000,
  },
  judgement: { lost: [], doubled: [], outOfOrder: [], unknown: [] },
  quarantined: 0,
  faults: [{ name: "bus-restart", figures: { restarts: 1 }, findings: [] }],
  cpu: { partsMs: { load: 4, edge: 1 }, othersMs: 500, availableMs: 2_000 },
};
const withAttempt = (status: number, tookMs: number) => ({
  ...good.played,
  messages: [...good.played.messages, { ...message, k: 3, attempts: [answered(status, tookMs)] }],
});

it("is ok where nothing is wrong, and counts", () => {
  expect(reportOf(good)).toMatchObject({
    ok: true,
    failures: [],
    messages: 2,
    webhooks: 3,
    repeats: 1,
    statuses: { "200": 2, "503": 1 },
    rate_reached: 2,
    answer_ms: { p50: 6, p99: 7, max: 7 },
    deadline_missed: 0,
    cpu_ms_per_message: { load: 2, edge: 0.5 },
    machine: { others_share: 0.25 },
  });
  expect(reportOf({ ...good, cpu: undefined })).toMatchObject({
    ok: true,
    cpu_ms_per_message: {},
    machine: { others_share: null },
  });
});

it("fails for each kind of finding by itself", () => {
  const bad: Partial<RunFacts>[] = [
    { judgement: { ...good.judgement, lost: ["n:load-0:1"] } },
    { judgement: { ...good.judgement, doubled: ["n:load-0:1"] } },
    { judgement: { ...good.judgement, outOfOrder: ["n:load-0:1"] } },
    { judgement: { ...good.judgement, unknown: ["n:load-0:1"] } },
    { quarantined: 1 },
    { played: withAttempt(200, 3_000) },
    { played: withAttempt(0, 1) },
    { played: { ...good.played, tookMs: 1_100 } },
    { played: { messages: [], tookMs: 1_000 }, rate: 0 },
    { faults: [{ name: "bus-restart", figures: {}, findings: ["it did not come back"] }] },
  ];
  for (const change of bad) {
    const report = reportOf({ ...good, ...change });
    expect(report.ok, JSON.stringify(change)).toBe(false);
    expect(report.failures).toHaveLength(1);
  }
});

it("forgives a webhook that found nobody only where the edge itself is killed, and a slow one never", () => {
  const dies = { ...good, edgeDies: true };
  expect(reportOf({ ...dies, played: withAttempt(0, 1) })).toMatchObject({ ok: true, unanswered: 1, deadline_missed: 0 });
  expect(reportOf({ ...dies, played: withAttempt(0, 3_000) })).toMatchObject({ ok: false, deadline_missed: 1 });
});

it("lets a platform give up, but not where each message has to get its 2xx in the end", () => {
  const [first] = withAttempt(503, 1)
    .messages.slice(-1)
    .map((each) => ({ ...each, acknowledged: false }));
  if (!first) throw new Error("there is a message");
  const played = { ...good.played, messages: [...good.played.messages, first] };
  expect(reportOf({ ...good, played })).toMatchObject({ ok: true, given_up: 1 });
  const report = reportOf({ ...good, played, allAcknowledged: true });
  expect(report).toMatchObject({ ok: false, given_up: 1, failures: ["1 messages never got a 2xx"] });
});

it("tells people when the machine was too busy to play the platform at that rate", () => {
  const late = { ...good.played, messages: good.played.messages.map((each) => ({ ...each, lateMs: 900 })) };
  expect(summaryOf(reportOf({ ...good, played: late }))).toContain("give a lower --rate");
  expect(summaryOf(reportOf(good))).not.toContain("too busy");
});
