// The owner's loop: it reads open commands from the ledger into a schedule, carries out the schedule's steps, and writes results to the ledger.
// The ledger is always right: where memory differs from it, the command is read again.
import type { OutboundDoor } from "@mio/shared/channels/contract.ts";
import type { SendClient } from "../../egress/send-fetch.ts";
import type { ServiceContext } from "../../service.ts";
import { type Accounts, createAccounts, storeBlock } from "../accounts.ts";
import type { Lease } from "../lease/lease.ts";
import { createNotifier, type Hub } from "../lease/wake.ts";
import { type Beginning, beginAttempts, type Change, type CommandRow, readCommands, recordChanges } from "../ledger/attempts.ts";
import { type CommandRecord, logFieldsOf } from "../ledger/command-record.ts";
import { createGroupCommit } from "../ledger/group-commit.ts";
import { cancelCommand, expireCommands, openCommandOf } from "../ledger/queue.ts";
import type { SenderMetrics } from "../metrics.ts";
import type { Budget } from "../schedule/budget.ts";
import { type Command, createSchedule, type Step } from "../schedule/schedule.ts";
import { type CallOutcome, type Verdict, type VerdictLimits, verdictOf } from "../schedule/verdict.ts";
import { type AttemptPorts, after, attempt, before } from "./deliver.ts";
import { createWindow } from "./window.ts";

interface OwnerOptions {
  doors: readonly OutboundDoor[];
  client: SendClient;
  limits: VerdictLimits;
  attemptMs: number;
  metrics: SenderMetrics;
  /** Given what there is to see while this owner works; undefined when it has ended. */
  show: (view: OwnerView | undefined) => void;
}

export interface OwnerView {
  queuedByAccount: () => Map<string, number>;
  blockedUntilMs: () => Map<string, number>;
  inHand: () => number;
}

const callsMax = 1_024;
const callsPerAccountMax = 64;
const groupMax = 256;
const pollMs = 1_000;
const maintenanceMs = 1_000;
const expireMax = 500;
/** How long calls and their records may take after a stop; the supervisor allows 20 s. */
const stopGraceMs = 15_000;
const retryMs = 200;

/** Sends until the lease or the service ends; then finishes what is in its call. */
export async function runOwner(context: ServiceContext, lease: Lease, hub: Hub, options: OwnerOptions): Promise<void> {
  const { clock, db, log } = context;
  const stop = AbortSignal.any([context.signal, lease.signal]);
  const notifier = createNotifier();
  let loadDue = true;
  const unsubscribe = hub.on("queue", () => {
    loadDue = true;
    notifier.notify();
  });

  const accounts: Accounts = createAccounts(db, options.doors, clock.monotonicMs);
  const schedule = createSchedule({ budgetOf: accounts.budgetOf, callsMax, callsPerAccountMax });
  const window = createWindow({ db, schedule, accounts, doors: options.doors, clock, onCancel: (id) => track(cancel(id)) });
  const running = new Set<Promise<void>>();
  let attempts = 0;

  const abandon = new AbortController();
  const committing = {
    groupMax,
    clock,
    signal: abandon.signal,
    onRetry: (error: unknown) => log.warn({ err: error }, "the sender waits for Postgres"),
  };
  const reader = createGroupCommit<string, CommandRow | null>({ ...committing, write: (ids) => readCommands(db, ids) });
  const beginner = createGroupCommit<Beginning, boolean>({
    ...committing,
    signal: stop,
    write: (items) => beginAttempts(db, lease, options.attemptMs, items),
  });
  const recorder = createGroupCommit<Change, CommandRecord | null>({
    ...committing,
    write: (changes) => recordChanges(db, changes),
  });
  const ports: AttemptPorts = { context, lease, client: options.client, begin: beginner.add, stop, attemptMs: options.attemptMs };

  options.show({ queuedByAccount: schedule.sizes, blockedUntilMs: accounts.blockedUntil, inHand: schedule.inHand });
  const maintaining = maintain();
  try {
    while (!stop.aborted) {
      let untilMs = clock.monotonicMs() + pollMs;
      try {
        if (loadDue) {
          loadDue = false;
          await window.load(stop);
        }
        await window.refill();
      } catch (error) {
        log.warn({ err: error }, "the schedule waits for Postgres");
        loadDue = true;
        untilMs = clock.monotonicMs() + retryMs;
      }
      for (let step = schedule.next(clock.monotonicMs()); ; step = schedule.next(clock.monotonicMs())) {
        if (step.kind === "idle") {
          untilMs = Math.min(untilMs, step.untilMs);
          break;
        }
        if (!lease.held() || context.signal.aborted) break;
        run(step);
      }
      if (window.isShort() && !loadDue) continue;
      await notifier.wait(Math.max(0, untilMs - clock.monotonicMs()), stop);
      // Notifications are a convenience; the poll is what must be right.
      if (clock.monotonicMs() >= untilMs) loadDue = true;
    }
  } finally {
    await Promise.race([Promise.all(running), clock.sleep(stopGraceMs)]);
    abandon.abort(new Error("the sender has stopped"));
    await Promise.allSettled([...running, maintaining]);
    options.show(undefined);
    unsubscribe();
  }

  function run(step: Exclude<Step, { kind: "idle" }>): void {
    const { command } = step;
    track(
      carryOut(step).catch(async (error: unknown) => {
        if (!stop.aborted)
          log.error({ err: error, command_id: command.id }, "a command could not be carried out; it is looked at again");
        await clock.sleep(retryMs, stop).catch(() => {});
        await lookAgain(command);
      }),
    );
  }

  function track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => {
        if (!stop.aborted) log.error({ err: error }, "the sender's work failed");
      })
      .finally(() => {
        running.delete(tracked);
        notifier.notify();
      });
    running.add(tracked);
  }

  async function carryOut(step: Exclude<Step, { kind: "idle" }>): Promise<void> {
    const { command } = step;
    switch (step.kind) {
      case "start":
        return send(command, step.budget);
      case "recover":
        return recover(command);
      case "expire":
        return conclude(command, { state: "expired", errorCode: "expired", errorText: "expires_at has passed" });
      case "supersede":
        return conclude(command, {
          state: "cancelled",
          errorCode: "superseded",
          errorText: `a later edit took its place: ${step.by.id}`,
        });
    }
  }

  async function send(command: Command, budget: Budget | undefined): Promise<void> {
    let row: CommandRow | null;
    const startedMs = clock.monotonicMs();
    try {
      row = await reader.add(command.id);
    } catch (error) {
      budget?.release();
      throw error;
    }
    const account = accounts.get(command.accountId);
    // An account that is not in memory says nothing about the command: both are read again.
    const ready = row?.state === "queued" && account !== undefined ? before(row, account) : undefined;
    if (ready === undefined || ready.kind === "failed") {
      budget?.release();
      if (ready === undefined) return lookAgain(command);
      return conclude(command, { state: "failed", errorCode: ready.code, errorText: ready.text });
    }
    attempts += 1;
    const attemptId = `${context.instance}/${lease.epoch}/${attempts}`;
    const outcome = await attempt(ready, attemptId, budget, ports);
    if (outcome === undefined) return lookAgain(command);
    const verdict = verdictOf(outcome, { ...ready.row, grade: ready.door.grade(ready.account) }, options.limits, context.random);
    await block(command, budget, verdict);
    const change = after(ready, attemptId, outcome, verdict);
    await record(command, change, { outcome, verdict, durationMs: clock.monotonicMs() - startedMs });
  }

  /** The account waits from the moment on in which it was told to, whatever becomes of the record. */
  async function block(command: Command, budget: Budget | undefined, verdict: Verdict): Promise<void> {
    if (verdict.kind !== "retry" || verdict.blockMs === 0) return;
    budget?.block(clock.monotonicMs() + verdict.blockMs);
    await storeBlock(db, command.accountId, verdict.blockMs).catch((error: unknown) =>
      log.warn({ err: error }, "the pause of an account was not stored"),
    );
  }

  /** Somebody began this call and is gone. The same table decides as for a call whose answer was lost. */
  async function recover(command: Command): Promise<void> {
    const row = await reader.add(command.id);
    if (row === null || row.state !== "sending" || row.attemptId === undefined) return lookAgain(command);
    const ready = before(row, accounts.get(command.accountId));
    const outcome: CallOutcome = { kind: "unknown", code: "interrupted", text: "the sender ended during the call" };
    const grade = ready.kind === "ready" ? ready.door.grade(ready.account) : "cannot_tell";
    const verdict = verdictOf(outcome, { ...row, grade }, options.limits, context.random);
    const change: Change =
      verdict.kind === "retry"
        ? {
            id: row.id,
            attemptId: row.attemptId,
            state: "queued",
            failures: row.failures + 1,
            delayMs: verdict.afterMs,
            errorCode: outcome.code,
            errorText: outcome.text,
          }
        : {
            id: row.id,
            attemptId: row.attemptId,
            state: "unknown",
            failures: row.failures,
            errorCode: outcome.code,
            errorText: outcome.text,
          };
    await record(command, change, { outcome, verdict, durationMs: 0 });
  }

  async function conclude(command: Command, end: Pick<Change, "state" | "errorCode" | "errorText">): Promise<void> {
    await record(command, { id: command.id, attemptId: undefined, ...end }, undefined);
  }

  interface Call {
    outcome: CallOutcome;
    verdict: Verdict;
    durationMs: number;
  }

  async function record(command: Command, change: Change, call: Call | undefined): Promise<void> {
    const recorded = await recorder.add(change);
    if (recorded === null) {
      log.info(
        { command_id: command.id, account_id: command.accountId, state: change.state, outcome: call?.outcome.kind },
        "somebody else had judged this command before",
      );
      return lookAgain(command);
    }
    if (call !== undefined) await context.checkpoint("sender.recorded");
    report(recorded, call);
    if (change.state !== "queued") return leave(command);
    if (change.delivered !== undefined) command.expiresMs = undefined;
    schedule.again(command.id, clock.monotonicMs() + (change.delayMs ?? 0));
  }

  function report(done: CommandRecord, call?: Call): void {
    log.info(
      { ...logFieldsOf(done), outcome: call?.outcome.kind, duration_ms: call && Math.round(call.durationMs) },
      "command handled",
    );
    options.metrics.count(done, call);
  }

  /** The ledger is not what we thought: take what it says. */
  async function lookAgain(command: Command): Promise<void> {
    for (;;) {
      try {
        const open = await openCommandOf(db, command.id);
        if (open === undefined) return leave(command);
        const nowMs = clock.monotonicMs();
        const fresh = window.commandOf(open, nowMs);
        schedule.again(command.id, fresh.dueMs);
        command.interrupted = fresh.interrupted;
        return;
      } catch (error) {
        if (stop.aborted) return;
        log.warn({ err: error }, "the sender waits for Postgres");
        await clock.sleep(retryMs, stop).catch(() => {});
      }
    }
  }

  function leave(command: Command): void {
    schedule.ended(command.id);
    window.left(command.lane);
  }

  async function cancel(id: string): Promise<void> {
    for (const done of await cancelCommand(db, id)) drop(done);
  }

  /** Ended behind the schedule's back. One in hand finds out when it wants to write `sending`. */
  function drop(done: CommandRecord): void {
    report(done);
    const command = schedule.get(done.id);
    if (command !== undefined) leave(command);
  }

  async function maintain(): Promise<void> {
    while (!stop.aborted) {
      await clock.sleep(maintenanceMs, stop).catch(() => {});
      if (stop.aborted) return;
      try {
        await accounts.refresh(() => schedule.sizes().keys());
        for (const done of await expireCommands(db, expireMax)) drop(done);
      } catch (error) {
        log.warn({ err: error }, "the sender's upkeep waits for Postgres");
      }
      notifier.notify();
    }
  }
}
