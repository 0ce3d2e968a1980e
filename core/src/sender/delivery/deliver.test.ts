// The three stages of a call, each with everything that can happen in it: what a platform has said or not said by then, on every grade, early and
// late, for a whole message and for a part of one. What must hold for all of them is said beside the table of verdict.ts, not taken from it.
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type SendCommand, SendCommandSchema } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import { StreamChunk_Mode } from "@mio/proto/gen/mio/v1/stream_pb.ts";
import { sampleChannel } from "@mio/proving/kit/sample-channel/inbound.ts";
import { sampleOutbound } from "@mio/proving/kit/sample-channel/outbound.ts";
import { type ManualClock, manualClock } from "@mio/proving/kit/time/manual-clock.ts";
import { DeliveryError, type DeliveryGrade, type OutboundDoor } from "@mio/shared/channels/contract/outbound.ts";
import { type AccountId, conversationIdOf } from "@mio/shared/ids.ts";
import { seededRandom } from "@mio/shared/random.ts";
import { describe, expect, it } from "vitest";
import type { RequestWatch } from "../../egress/send-fetch.ts";
import type { SenderAccount } from "../accounts.ts";
import type { CommandRow } from "../ledger/attempts.ts";
import type { Budget } from "../schedule/budget.ts";
import { type CallOutcome, verdictLimits, verdictOf } from "../schedule/verdict.ts";
import { after, attempt, before } from "./deliver.ts";

const accountId = "0a3a5b52-8f0b-4c8a-9a6e-0d1f6a2b3c4d" as AccountId;
const problem = { code: "c", text: "t" };

const outcomes: Record<CallOutcome["kind"], CallOutcome> = {
  sent: { kind: "sent", delivered: { externalId: "p" } },
  rate_limited: { kind: "rate_limited", retryAfterMs: 700, ...problem },
  unavailable: { kind: "unavailable", ...problem },
  rejected: { kind: "rejected", ...problem },
  unknown: { kind: "unknown", ...problem },
  not_called: { kind: "not_called", reason: "r" },
};
const tenantId = "tenant";
const conversation = conversationIdOf(accountId, "general");

function commandOf(over: MessageInitShape<typeof SendCommandSchema> = {}): SendCommand {
  return create(SendCommandSchema, {
    id: "id",
    schemaVersion: 1,
    tenantId,
    accountId,
    channelType: sampleChannel,
    conversationId: conversation,
    conversationExternalId: "general",
    text: "one",
    ...over,
  });
}

function rowOf(command: SendCommand, over: Partial<CommandRow> = {}): CommandRow {
  return {
    id: command.id,
    state: "queued",
    // Also of versions that nobody may publish.
    content: toBinary(SendCommandSchema, command),
    calls: undefined,
    externalIds: [],
    failures: 0,
    failingForMs: 0,
    attemptId: undefined,
    traceparent: "",
    target: undefined,
    ...over,
  };
}

function accountOf(door: OutboundDoor = sampleOutbound()): SenderAccount {
  return { kind: "ready", tenantId, door, outbound: { accountId, externalId: "a", settings: {}, credential: "secret" } };
}

function prepared(row: CommandRow, door?: OutboundDoor) {
  const ready = before(row, accountOf(door));
  if (ready.kind !== "ready") throw new Error(`not ready: ${ready.code}`);
  return ready;
}

describe("before a call", () => {
  const target = { state: "sent", conversationId: conversation, later: false, externalId: "p1" };
  const edit = { editOfMessageId: "earlier" };
  const cases: [string, CommandRow, SenderAccount | undefined][] = [
    ["undecodable", rowOf(commandOf(), { content: new Uint8Array([255]) }), accountOf()],
    ["undecodable", rowOf(commandOf({ schemaVersion: 2 })), accountOf()],
    ["account_unknown", rowOf(commandOf()), undefined],
    ["account_disabled", rowOf(commandOf()), { kind: "unusable", code: "account_disabled", text: "t" }],
    ["tenant_mismatch", rowOf(commandOf({ tenantId: "another" })), accountOf()],
    ["channel_mismatch", rowOf(commandOf({ channelType: "other" })), accountOf()],
    ["typing_unsupported", rowOf(commandOf({ typing: true })), accountOf()],
    ["stream_unsupported", rowOf(commandOf({ stream: { sequence: 0, final: false } })), accountOf()],
    [
      "stream_unsupported",
      rowOf(commandOf({ stream: { sequence: 2, final: true, mode: StreamChunk_Mode.APPEND } })),
      accountOf(),
    ],
    ["text_invalid", rowOf(commandOf({ text: "unsendable" })), accountOf()],
    ["plan_fault", rowOf(commandOf({ text: "fault" })), accountOf()],
    ["plan_unreadable", rowOf(commandOf(), { calls: '[{"action":"shout"}]' }), accountOf()],
    ["nothing_to_send", rowOf(commandOf(), { externalIds: ["p1"] }), accountOf()],
    ["edit_target_unknown", rowOf(commandOf(edit)), accountOf()],
    ["edit_target_elsewhere", rowOf(commandOf(edit), { target: { ...target, conversationId: "other" } }), accountOf()],
    ["edit_target_later", rowOf(commandOf(edit), { target: { ...target, later: true } }), accountOf()],
    ["edit_target_unresolved", rowOf(commandOf(edit), { target: { ...target, state: "unknown" } }), accountOf()],
    ["edit_target_not_sent", rowOf(commandOf(edit), { target: { ...target, state: "failed" } }), accountOf()],
    ["edit_target_without_id", rowOf(commandOf(edit), { target: { ...target, externalId: "" } }), accountOf()],
  ];
  it.each(cases)("ends as %s", (code, row, account) => {
    expect(before(row, account)).toMatchObject({ kind: "failed", code });
  });

  it("says which call is next, also of a stored plan, and of an edit", () => {
    const long = rowOf(commandOf({ text: "one|two" }), { externalIds: ["p1"] });
    expect(before(long, accountOf())).toMatchObject({
      kind: "ready",
      part: 1,
      call: { action: "send", payload: { text: "two" } },
    });
    const stored = JSON.stringify([{ action: "send", payload: { text: "as it was" } }]);
    expect(before(rowOf(commandOf(), { calls: stored }), accountOf())).toMatchObject({
      call: { payload: { text: "as it was" } },
    });
    const call = { action: "edit", payload: { target: "p1" } };
    expect(before(rowOf(commandOf(edit), { target }), accountOf())).toMatchObject({ kind: "ready", part: 0, call });
    const replaced = { stream: { sequence: 2, final: true, mode: StreamChunk_Mode.REPLACE } };
    expect(before(rowOf(commandOf(replaced)), accountOf()).kind).toBe("ready");
  });
});

type Happening = {
  /** What happens to the call. */
  door?: OutboundDoor["deliver"];
  begun?: boolean;
  /** Happens while `sending` is written. */
  meanwhile?: (world: World) => void;
  budget?: (true | number | "blocked")[];
};

interface World {
  clock: ManualClock;
  stopping: AbortController;
  lease: { held: boolean; lapse: AbortController };
}

const attemptMs = 40;
const request = { method: "POST", headers: {} };

/** One attempt over a platform that is `door`; and what it left behind. */
async function attempted({ door, begun = true, meanwhile, budget: answers = [true] }: Happening) {
  const world: World = {
    clock: manualClock(),
    stopping: new AbortController(),
    lease: { held: true, lapse: new AbortController() },
  };
  const left = { calls: 0, admitted: 1, points: [] as string[] };
  const taking = [...answers];
  const budget: Pick<Budget, "take" | "admit" | "release"> = {
    take: () => {
      const taken = taking.shift() ?? true;
      if (taken === true) left.admitted -= 1;
      return taken;
    },
    admit: () => {
      left.admitted += 1;
    },
    release: () => {
      left.admitted -= 1;
    },
  };
  const client = {
    fetchFor: (watch: RequestWatch) => async () => {
      const refusal = watch.refuse();
      if (refusal !== undefined) throw new DeliveryError("unavailable", "refused_here", refusal);
      watch.written();
      return new Response("{}");
    },
  };
  const ports = {
    context: {
      clock: world.clock,
      signal: world.stopping.signal,
      checkpoint: async (name: string) => void left.points.push(name),
    },
    lease: { held: () => world.lease.held, signal: world.lease.lapse.signal },
    client,
    begin: async () => {
      meanwhile?.(world);
      return begun;
    },
    stop: world.stopping.signal,
    attemptMs,
  };
  const deliver: OutboundDoor["deliver"] = async (call, context) => {
    left.calls += 1;
    return door ? door(call, context) : { externalId: "p" };
  };
  const ready = prepared(rowOf(commandOf()), { ...sampleOutbound(), deliver });
  const outcome = attempt(ready, "attempt", budget, ports);
  await world.clock.advance(1_000);
  return { outcome: await outcome, ...left };
}

describe("in a call", () => {
  const failing =
    (error: unknown, written: boolean): OutboundDoor["deliver"] =>
    async (_call, { fetch }) => {
      if (written) await fetch("http://platform", request);
      throw error;
    };
  const kinds = ["rate_limited", "unavailable", "rejected", "unknown"] as const;
  const cases: [string, Happening, Partial<CallOutcome> | undefined][] = [
    ["an answer is an answer", {}, outcomes.sent],
    ["a row that is no longer ours is not called for", { begun: false }, undefined],
    ["a stop before it makes none of it", { meanwhile: ({ stopping }) => stopping.abort() }, { kind: "not_called" }],
    [
      "a lease that lapsed before it makes none of it",
      { meanwhile: lapse },
      { kind: "not_called", reason: "the lease has lapsed" },
    ],
    ["an account that has to wait makes none of it", { budget: ["blocked"] }, { kind: "not_called" }],
    [
      "`sending` that took too long to write makes none of it",
      { meanwhile: ({ clock }) => clock.leap(attemptMs) },
      { kind: "not_called" },
    ],
    ["a token that comes soon is waited for", { budget: [5, 5, true] }, outcomes.sent],
    ["a token that comes too late is not", { budget: [5, attemptMs, true] }, { kind: "not_called" }],
    ...[false, true].flatMap((written) =>
      kinds.map((kind): [string, Happening, Partial<CallOutcome>] => [
        `${kind} is what the channel says it is, ${written ? "after" : "before"} the request was written`,
        { door: failing(new DeliveryError(kind, "c", "t"), written) },
        { kind, code: "c" },
      ]),
    ),
    [
      "a fault of ours before the request is a refusal",
      { door: failing(new TypeError("x"), false) },
      { kind: "rejected", code: "door_fault" },
    ],
    ["a fault of ours after it is unknown", { door: failing(new TypeError("x"), true) }, { kind: "unknown", code: "door_fault" }],
    ["no answer by the deadline is unknown", { door: () => new Promise(() => {}) }, { kind: "unknown", code: "no_answer" }],
  ];
  it.each(cases)("G6, G8: %s", async (_, happening, expected) => {
    const { outcome, calls, admitted, points } = await attempted(happening);
    if (expected === undefined) expect(outcome).toBe(undefined);
    else expect(outcome).toMatchObject(expected);
    const called = expected !== undefined && expected.kind !== "not_called";
    expect(calls, "calls of the door").toBe(called ? 1 : 0);
    // What was admitted has taken its token or has given it back, whatever happened.
    expect(admitted, "still admitted").toBe(0);
    const written = expected === undefined ? [] : ["sender.sending_written"];
    expect(points).toEqual(called ? [...written, "sender.answered"] : written);
  });

  it("G6: a lease that lapses before anything was written makes none of it; later the channel says what it was", async () => {
    for (const [written, kind] of [
      [false, "not_called"],
      [true, "unavailable"],
    ] as const) {
      let world: World | undefined;
      const door: OutboundDoor["deliver"] = async (_call, { fetch }) => {
        if (written) await fetch("http://platform", request);
        if (world) lapse(world);
        await fetch("http://platform", request);
        return { externalId: "p" };
      };
      const meanwhile = (present: World) => {
        world = present;
      };
      const { outcome } = await attempted({ door, meanwhile, budget: [true, true] });
      expect(outcome?.kind, `written: ${written}`).toBe(kind);
    }
  });
});

function lapse({ lease }: World): void {
  lease.held = false;
}

describe("after a call", () => {
  const grades: readonly DeliveryGrade[] = ["exactly_once", "reconcilable", "cannot_tell"];
  const all = (early: End, late: End = early) => ({
    exactly_once: [early, late],
    reconcilable: [early, late],
    cannot_tell: [early, late],
  });
  const ends: Record<CallOutcome["kind"], Record<DeliveryGrade, End[]>> = {
    sent: all("sent"),
    rate_limited: all("wait"),
    unavailable: all("again", "failed"),
    rejected: all("failed"),
    unknown: { ...all("unknown"), exactly_once: ["again", "unknown"] },
    not_called: all("wait"),
  };
  const parts = [
    { text: "one", externalIds: [] },
    { text: "one|two|three", externalIds: ["p1"] },
    { text: "one|two|three", externalIds: ["p1", "p2"] },
  ];
  const cases = Object.values(outcomes).flatMap((outcome) =>
    grades.flatMap((grade) =>
      ends[outcome.kind][grade].flatMap((end, late) =>
        parts.map((part) => {
          const place = `part ${part.externalIds.length + 1} of ${part.text.split("|").length}`;
          return {
            outcome,
            grade,
            end,
            part,
            place,
            failures: late ? verdictLimits.failuresMax : 1,
            when: late ? "late" : "early",
          };
        }),
      ),
    ),
  );
  it.each(cases)("G5, G6: $outcome.kind on $grade, $when, $place: $end", ({ outcome, grade, end, part, place, failures }) => {
    const row = rowOf(commandOf({ text: part.text }), { externalIds: [...part.externalIds], failures, failingForMs: 10 });
    const verdict = verdictOf(outcome, { ...row, grade }, verdictLimits, seededRandom(1));
    const change = after(prepared(row), "attempt", outcome, verdict);
    expect(change).toMatchObject({ id: "id", attemptId: "attempt" });
    const last = part.externalIds.length + 1 === part.text.split("|").length;
    const again = { state: "queued", refunded: end === "wait", failures: end === "wait" ? failures : failures + 1 };
    const expected: Record<End, object> = {
      sent: { state: last ? "sent" : "queued", delivered: { externalId: "p" } },
      wait: again,
      again,
      failed: { state: "failed", errorCode: "c", failures },
      unknown: { state: "unknown", errorCode: "c", failures },
    };
    expect(change).toMatchObject(expected[end]);
    // What was not sent has no id; what waits says for how long, and what has ended does not.
    expect("delivered" in change).toBe(end === "sent");
    expect("delayMs" in change).toBe(end === "wait" || end === "again");
    if (end === "failed" || end === "unknown") expect(change.errorText?.includes(`(${place})`)).toBe(part.text !== "one");
    if (outcome.kind === "rate_limited") expect(change.delayMs).toBe(700);
    if (outcome.kind === "not_called") expect(change.delayMs).toBe(0);
  });
});

/** What comes of a call: an end, or `wait` for what was no attempt, or `again` for what was one. */
type End = "sent" | "wait" | "again" | "failed" | "unknown";
