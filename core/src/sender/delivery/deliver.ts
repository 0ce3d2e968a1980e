// One call to a platform in three stages. Before: nothing is sent, everything may be repeated. Attempt: `sending` is written, then the platform is
// called, once. After: what came of it is written, together with its receipt. A crash between two stages leaves the row saying which.
import type { SendCommand } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import { StreamChunk_Mode } from "@mio/proto/gen/mio/v1/stream_pb.ts";
import { decodeCommand } from "@mio/shared/bus/wire/envelope.ts";
import type { OutboundAccount } from "@mio/shared/channels/contract/account.ts";
import {
  type Delivered,
  DeliveryError,
  type OutboundDoor,
  type PlannedCall,
  type SendFetch,
} from "@mio/shared/channels/contract/outbound.ts";
import { messageIdOf } from "@mio/shared/ids.ts";
import * as v from "valibot";
import type { RequestWatch, SendClient } from "../../egress/send-fetch.ts";
import type { ServiceContext } from "../../service.ts";
import type { SenderAccount } from "../accounts.ts";
import type { Lease } from "../lease/lease.ts";
import type { Beginning, Change, CommandRow } from "../ledger/attempts.ts";
import type { Budget } from "../schedule/budget.ts";
import type { CallOutcome, Verdict } from "../schedule/verdict.ts";
import { editTargetOf } from "./edit-target.ts";

/** Everything that one call needs. */
interface Prepared {
  kind: "ready";
  row: CommandRow;
  command: SendCommand;
  door: OutboundDoor;
  account: OutboundAccount;
  calls: readonly PlannedCall[];
  call: PlannedCall;
  part: number;
}

type Before = Prepared | { kind: "failed"; code: string; text: string };

/** Stage one: pure. Finds the door, the edit's target and the plan, or the reason why this command can never be sent. */
export function before(row: CommandRow, account: SenderAccount | undefined): Before {
  const decoded = decodeCommand(row.content);
  if (decoded.kind !== "command") return { kind: "failed", code: "undecodable", text: "the ledger's copy is no SendCommand" };
  const { command } = decoded;
  if (account === undefined) return { kind: "failed", code: "account_unknown", text: "there is no such account" };
  if (account.kind === "held") return { kind: "failed", code: "credential_unreadable", text: account.reason };
  if (account.kind === "unusable") return { kind: "failed", code: account.code, text: account.text };
  const { door, outbound } = account;
  if (command.tenantId !== account.tenantId)
    return { kind: "failed", code: "tenant_mismatch", text: "the account belongs to another tenant" };
  if (command.channelType !== door.channel.slug)
    return { kind: "failed", code: "channel_mismatch", text: "the account is on another channel" };
  if (command.typing) return { kind: "failed", code: "typing_unsupported", text: "typing indicators are not sent yet" };
  const { stream } = command;
  const whole = stream === undefined || (stream.final && (stream.sequence === 0 || stream.mode === StreamChunk_Mode.REPLACE));
  if (!whole)
    return { kind: "failed", code: "stream_unsupported", text: "streamed answers are not sent yet; send the whole text" };

  const target = editTargetOf(command, row.target);
  if (target.kind === "failed") return target;
  const calls = row.calls === undefined ? planned(door, command, target.edit) : storedCalls(row.calls);
  if (!Array.isArray(calls)) return calls;
  const part = row.externalIds.length;
  const call = calls[part];
  if (call === undefined) return { kind: "failed", code: "nothing_to_send", text: "the channel makes no call of this command" };
  return { kind: "ready", row, command, door, account: outbound, calls, call, part };
}

type Calls = PlannedCall[] | { kind: "failed"; code: string; text: string };

function planned(door: OutboundDoor, command: SendCommand, edit: { externalId: string } | undefined): Calls {
  try {
    const plan = door.plan(command, edit);
    return plan.kind === "calls" ? plan.calls : { kind: "failed", code: plan.code, text: plan.reason };
  } catch {
    // A fault of ours; a repeat would meet it again.
    return { kind: "failed", code: "plan_fault", text: "the channel could not render this command" };
  }
}

const callsSchema = v.array(v.object({ action: v.picklist(["send", "edit"]), payload: v.record(v.string(), v.unknown()) }));

/** Parts keep the shape that they had when the first was sent, also after an upgrade. */
function storedCalls(text: string): Calls {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), callsSchema), text);
  return parsed.success ? parsed.output : { kind: "failed", code: "plan_unreadable", text: "the stored plan cannot be read" };
}

export interface AttemptPorts {
  context: Pick<ServiceContext, "clock" | "signal" | "checkpoint">;
  lease: Pick<Lease, "held" | "signal">;
  client: Pick<SendClient, "fetchFor">;
  /** Writes `sending`; false when the row is no longer there for us. */
  begin: (beginning: Beginning) => Promise<boolean>;
  /** The service stops, or the lease has ended. */
  stop: AbortSignal;
  /** By the database's clock from `sending` on; at most half a lease. */
  attemptMs: number;
}

type AdmittedTo = Pick<Budget, "take" | "admit" | "release">;

/** A call with less time than this is not begun. */
const callShareMin = 0.25;
const stuckGraceMs = 100;

/** Stage two. Undefined when the row is no longer there for us, and nothing was called. */
export async function attempt(
  prepared: Prepared,
  attemptId: string,
  budget: AdmittedTo | undefined,
  ports: AttemptPorts,
): Promise<CallOutcome | undefined> {
  const { context, lease } = ports;
  // Started before `sending` is written, so that our deadline comes before the database's.
  const deadlineMs = context.clock.monotonicMs() + ports.attemptMs;
  const pass = gate(budget, ports, deadlineMs - ports.attemptMs * callShareMin);
  try {
    const { row, calls, part } = prepared;
    if (!(await ports.begin({ id: row.id, attemptId, part, calls: JSON.stringify(calls) }))) return undefined;
    await context.checkpoint("sender.sending_written");
    const refusal = await pass.first();
    if (refusal !== undefined) return { kind: "not_called", reason: refusal };
    const outcome = await call(prepared, pass.next, deadlineMs, ports);
    if (lease.held()) await context.checkpoint("sender.answered");
    return outcome;
  } finally {
    pass.close();
  }
}

async function call(
  prepared: Prepared,
  nextRequest: () => Promise<void>,
  deadlineMs: number,
  ports: AttemptPorts,
): Promise<CallOutcome> {
  const { context, lease, client } = ports;
  const end = new AbortController();
  const timer = setTimeout(
    () => end.abort(new Error("no answer in time")),
    Math.max(0, deadlineMs - context.clock.monotonicMs()),
  );
  const onLapse = () => end.abort(lease.signal.reason);
  lease.signal.addEventListener("abort", onLapse, { once: true });
  let requests = 0;
  let written = false;
  let refused = false;
  const seam: RequestWatch = {
    signal: end.signal,
    refuse: () => {
      refused = !lease.held();
      return refused ? "the lease has lapsed" : undefined;
    },
    written: () => {
      written = true;
    },
  };
  const send = client.fetchFor(seam);
  // A door may need a second request for one call; it takes its turn in the budget like any other.
  const fetch: SendFetch = async (url, init) => {
    if (requests++ > 0) await nextRequest();
    return send(url, init);
  };
  const { door, account, row, part } = prepared;
  try {
    // The request ends with the signal; this is for a door that waits for something else.
    const stuck = new Promise<never>((_, reject) => {
      const late = new DeliveryError("unknown", "no_answer", "the call did not end in time");
      end.signal.addEventListener("abort", () => setTimeout(reject, stuckGraceMs, late), { once: true });
    });
    const delivering = door.deliver(prepared.call, { account, fetch, idempotencyKey: `${row.id}:${part}` });
    return { kind: "sent", delivered: await Promise.race([delivering, stuck]) };
  } catch (error) {
    if (refused && !written) return { kind: "not_called", reason: "the lease has lapsed" };
    return outcomeOf(error, written);
  } finally {
    clearTimeout(timer);
    lease.signal.removeEventListener("abort", onLapse);
  }
}

/** What a door threw, as an outcome. A fault of the door itself is `rejected` while nothing was written, and `unknown` after that. */
export function outcomeOf(error: unknown, written: boolean): CallOutcome {
  if (!(error instanceof DeliveryError))
    return { kind: written ? "unknown" : "rejected", code: "door_fault", text: "the channel's code failed in the call" };
  const { code, message: text } = error;
  switch (error.kind) {
    case "rate_limited":
      return { kind: "rate_limited", retryAfterMs: error.retryAfterMs, code, text };
    case "unavailable":
    case "rejected":
    case "unknown":
      return { kind: error.kind, code, text };
  }
}

/** Lets the call through when its token is there. A command that gets none in time is given back, and this counts as no attempt. */
function gate(budget: AdmittedTo | undefined, ports: AttemptPorts, latestMs: number) {
  const { context, lease } = ports;
  let admitted = budget !== undefined;
  const first = async (): Promise<string | undefined> => {
    for (;;) {
      if (!lease.held()) return "the lease has lapsed";
      if (context.signal.aborted) return "the sender is stopping";
      const now = context.clock.monotonicMs();
      if (now > latestMs) return "too late for a call within its deadline";
      const taken = budget?.take(now) ?? true;
      if (taken === true) {
        admitted = false;
        return undefined;
      }
      if (taken === "blocked") return "the platform told the account to wait";
      await context.clock.sleep(taken, ports.stop).catch(() => {});
    }
  };
  const next = async (): Promise<void> => {
    budget?.admit();
    admitted = budget !== undefined;
    const refusal = await first();
    if (refusal !== undefined) throw new DeliveryError("unavailable", "no_budget", refusal);
  };
  const close = () => {
    if (admitted) budget?.release();
    admitted = false;
  };
  return { first, next, close };
}

/** Stage three: the row's change for a verdict. */
export function after(prepared: Prepared, attemptId: string, outcome: CallOutcome, verdict: Verdict): Change {
  const { row, calls, part } = prepared;
  const change = { id: row.id, attemptId };
  switch (verdict.kind) {
    case "sent": {
      const delivered = outcome.kind === "sent" ? deliveredOf(prepared, outcome.delivered) : { externalId: "", messageId: "" };
      return { ...change, state: part + 1 < calls.length ? "queued" : "sent", delivered };
    }
    case "retry": {
      const failures = verdict.spent ? row.failures + 1 : row.failures;
      return { ...change, state: "queued", refunded: !verdict.spent, failures, delayMs: verdict.afterMs, ...reasonOf(outcome) };
    }
    case "failed":
    case "unknown": {
      const where = calls.length > 1 ? ` (part ${part + 1} of ${calls.length})` : "";
      return {
        ...change,
        state: verdict.kind,
        failures: row.failures,
        errorCode: verdict.code,
        errorText: `${verdict.text}${where}`,
      };
    }
  }
}

function deliveredOf(prepared: Prepared, delivered: Delivered): { externalId: string; messageId: string } {
  const { door, account, command } = prepared;
  const { externalId } = delivered;
  if (externalId === "") return { externalId, messageId: "" };
  return {
    externalId,
    messageId: messageIdOf(account.accountId, door.sourceMessageIdOf(command.conversationExternalId, externalId)),
  };
}

function reasonOf(outcome: CallOutcome): { errorCode?: string; errorText?: string } {
  return "code" in outcome ? { errorCode: outcome.code, errorText: outcome.text } : {};
}
