// Carries out one step of the schedule, from the command's row to the record of what became of it. The ledger is always right: where memory differs
// from it, the command is read again.
import type { ServiceContext } from "../../service.ts";
import { type Accounts, storeBlock } from "../accounts.ts";
import type { Change, CommandRow } from "../ledger/attempts.ts";
import { type CommandRecord, logFieldsOf } from "../ledger/command-record.ts";
import { openCommandOf } from "../ledger/queue.ts";
import type { SenderMetrics } from "../metrics.ts";
import type { Budget } from "../schedule/budget.ts";
import type { Command, Schedule, Step } from "../schedule/schedule.ts";
import { type CallOutcome, type Verdict, type VerdictLimits, verdictOf } from "../schedule/verdict.ts";
import { type AttemptPorts, after, attempt, before } from "./deliver.ts";
import type { OwnerLedger } from "./owner-ledger.ts";
import type { Window } from "./window.ts";
import { afterInterruption, endOf, interruption } from "./without-call.ts";

/** What an owner sends with. */
export interface Sending extends AttemptPorts {
  context: ServiceContext;
  accounts: Accounts;
  schedule: Schedule;
  window: Window;
  ledger: OwnerLedger;
  limits: VerdictLimits;
  metrics: SenderMetrics;
  /** Another one for each attempt; no owner before or after has the same. */
  nextAttemptId: () => string;
}

const retryMs = 200;
/** As often as accounts are read anew. */
const accountPauseMs = 1_000;

/** What cannot be carried out is looked at again after a pause. */
export async function carryOut(sending: Sending, step: Exclude<Step, { kind: "idle" }>): Promise<void> {
  const { context, stop } = sending;
  const { command } = step;
  try {
    await stepOf(sending, step);
  } catch (error) {
    if (!stop.aborted)
      context.log.error({ err: error, command_id: command.id }, "a command could not be carried out; it is looked at again");
    await context.clock.sleep(retryMs, stop).catch(() => {});
    await lookAgain(sending, command);
  }
}

async function stepOf(sending: Sending, step: Exclude<Step, { kind: "idle" }>): Promise<void> {
  switch (step.kind) {
    case "start":
      return send(sending, step.command, step.budget);
    case "recover":
      return recover(sending, step.command);
    case "expire":
    case "supersede":
      return record(sending, step.command, { id: step.command.id, attemptId: undefined, ...endOf(step) }, undefined);
  }
}

async function send(sending: Sending, command: Command, budget: Budget | undefined): Promise<void> {
  const { context, ledger, accounts, limits } = sending;
  const startedMs = context.clock.monotonicMs();
  let row: CommandRow | null;
  try {
    row = await ledger.read(command.id);
  } catch (error) {
    budget?.release();
    throw error;
  }
  const account = accounts.get(command.accountId);
  // An account that is not in memory, or is held, says nothing about the command: both are read again.
  const ready = row?.state === "queued" && account !== undefined && account.kind !== "held" ? before(row, account) : undefined;
  if (ready === undefined || ready.kind === "failed") {
    budget?.release();
    if (ready === undefined) return lookAgain(sending, command);
    const { code: errorCode, text: errorText } = ready;
    return record(sending, command, { id: command.id, attemptId: undefined, state: "failed", errorCode, errorText }, undefined);
  }
  const attemptId = sending.nextAttemptId();
  const outcome = await attempt(ready, attemptId, budget, sending);
  if (outcome === undefined) return lookAgain(sending, command);
  const verdict = verdictOf(outcome, { ...ready.row, grade: ready.door.grade(ready.account) }, limits, context.random);
  await block(sending, command, budget, verdict);
  const change = after(ready, attemptId, outcome, verdict);
  await record(sending, command, change, { outcome, verdict, durationMs: context.clock.monotonicMs() - startedMs });
}

/** The account waits from the moment on in which it was told to, whatever becomes of the record. */
async function block({ context }: Sending, command: Command, budget: Budget | undefined, verdict: Verdict): Promise<void> {
  if (verdict.kind !== "retry" || verdict.blockMs === 0) return;
  budget?.block(context.clock.monotonicMs() + verdict.blockMs);
  await storeBlock(context.db, command.accountId, verdict.blockMs).catch((error: unknown) =>
    context.log.warn({ err: error }, "the pause of an account was not stored"),
  );
}

/** Somebody began this call and is gone. The same table decides as for a call whose answer was lost. */
async function recover(sending: Sending, command: Command): Promise<void> {
  const { context, ledger, accounts, limits } = sending;
  const row = await ledger.read(command.id);
  if (row === null || row.state !== "sending" || row.attemptId === undefined) return lookAgain(sending, command);
  const account = accounts.get(command.accountId);
  // Without its account nobody knows whether a repeat would appear once: it waits, as the commands behind it do.
  if (account === undefined || account.kind === "held") {
    await context.clock.sleep(accountPauseMs, sending.stop).catch(() => {});
    return lookAgain(sending, command);
  }
  const ready = before(row, account);
  const grade = ready.kind === "ready" ? ready.door.grade(ready.account) : "cannot_tell";
  const verdict = verdictOf(interruption, { ...row, grade }, limits, context.random);
  const change = afterInterruption(row, row.attemptId, verdict);
  await record(sending, command, change, { outcome: interruption, verdict, durationMs: 0 });
}

interface Call {
  outcome: CallOutcome;
  verdict: Verdict;
  durationMs: number;
}

async function record(sending: Sending, command: Command, change: Change, call: Call | undefined): Promise<void> {
  const { context, ledger, schedule } = sending;
  const recorded = await ledger.record(change);
  if (recorded === null) {
    context.log.info(
      { command_id: command.id, account_id: command.accountId, state: change.state, outcome: call?.outcome.kind },
      "somebody else had judged this command before",
    );
    return lookAgain(sending, command);
  }
  if (call !== undefined) await context.checkpoint("sender.recorded");
  report(sending, recorded, call);
  if (change.state !== "queued") return leave(sending, command);
  if (change.delivered !== undefined) command.expiresMs = undefined;
  schedule.again(command.id, context.clock.monotonicMs() + (change.delayMs ?? 0));
}

/** Ended behind the schedule's back. One in hand finds out when it wants to write `sending`. */
export function drop(sending: Sending, done: CommandRecord): void {
  report(sending, done);
  const command = sending.schedule.get(done.id);
  if (command !== undefined) leave(sending, command);
}

function report({ context, metrics }: Sending, done: CommandRecord, call?: Call): void {
  context.log.info(
    { ...logFieldsOf(done), outcome: call?.outcome.kind, duration_ms: call && Math.round(call.durationMs) },
    "command handled",
  );
  metrics.count(done, call);
}

/** The ledger is not what we thought: take what it says. */
async function lookAgain(sending: Sending, command: Command): Promise<void> {
  const { context, stop, schedule, window } = sending;
  for (;;) {
    try {
      const open = await openCommandOf(context.db, command.id);
      if (open === undefined) return leave(sending, command);
      const fresh = window.commandOf(open, context.clock.monotonicMs());
      schedule.again(command.id, fresh.dueMs);
      command.interrupted = fresh.interrupted;
      return;
    } catch (error) {
      if (stop.aborted) return;
      context.log.warn({ err: error }, "the sender waits for Postgres");
      await context.clock.sleep(retryMs, stop).catch(() => {});
    }
  }
}

function leave({ schedule, window }: Sending, command: Command): void {
  schedule.ended(command.id);
  window.left(command.lane);
}
