// The owner's loop: it reads open commands from the ledger into a schedule, has the schedule's steps carried out (carry-out.ts), and waits for more.
// The ledger is always right: where memory differs from it, the command is read again.
import type { OutboundDoor } from "@mio/shared/channels/contract/outbound.ts";
import type { SecretRing } from "../../accounts/sealing.ts";
import type { SendClient } from "../../egress/send-fetch.ts";
import type { ServiceContext } from "../../service.ts";
import { createAccounts } from "../accounts.ts";
import type { Lease } from "../lease/lease.ts";
import { createNotifier, type Hub, type Notifier } from "../lease/wake.ts";
import type { SenderMetrics } from "../metrics.ts";
import { createSchedule } from "../schedule/schedule.ts";
import type { VerdictLimits } from "../schedule/verdict.ts";
import { carryOut, type Sending } from "./carry-out.ts";
import { createOwnerLedger } from "./owner-ledger.ts";
import { cancel, keepUp } from "./upkeep.ts";
import { createWindow } from "./window.ts";

interface OwnerOptions {
  doors: readonly OutboundDoor[];
  /** What opens credentials. */
  ring: SecretRing;
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
const pollMs = 1_000;
/** How long calls and their records may take after a stop; the supervisor allows 20 s. */
const stopGraceMs = 15_000;
const retryMs = 200;

interface Owner {
  sending: Sending;
  notifier: Notifier;
  /** Work in hand; none of it rejects. */
  running: Set<Promise<void>>;
  /** The ledger may have commands that are not in memory. */
  loadDue: boolean;
}

/** Sends until the lease or the service ends; then finishes what is in its call. */
export async function runOwner(context: ServiceContext, lease: Lease, hub: Hub, options: OwnerOptions): Promise<void> {
  const abandon = new AbortController();
  const owner = createOwner(context, lease, options, abandon.signal);
  const { sending, notifier, running } = owner;
  const { schedule, accounts, stop } = sending;
  const unsubscribe = hub.on("queue", () => {
    owner.loadDue = true;
    notifier.notify();
  });
  options.show({ queuedByAccount: schedule.sizes, blockedUntilMs: accounts.blockedUntil, inHand: schedule.inHand });
  const maintaining = keepUp(sending, notifier.notify);
  try {
    while (!stop.aborted) await round(owner);
  } finally {
    await Promise.race([Promise.all(running), context.clock.sleep(stopGraceMs)]);
    abandon.abort(new Error("the sender has stopped"));
    await Promise.allSettled([...running, maintaining]);
    options.show(undefined);
    unsubscribe();
  }
}

function createOwner(context: ServiceContext, lease: Lease, options: OwnerOptions, abandon: AbortSignal): Owner {
  const { db, clock, log, instance } = context;
  const { doors, ring, client, attemptMs, limits, metrics } = options;
  const stop = AbortSignal.any([context.signal, lease.signal]);
  const accounts = createAccounts({ db, ring, log }, doors, clock.monotonicMs);
  const schedule = createSchedule({ budgetOf: accounts.budgetOf, callsMax, callsPerAccountMax });
  const onCancel = (id: string) => track(owner, cancel(owner.sending, id));
  const window = createWindow({ db, schedule, accounts, doors, clock, onCancel });
  const ledger = createOwnerLedger(context, lease, { attemptMs, stop, abandon });
  let attempts = 0;
  const nextAttemptId = () => {
    attempts += 1;
    return `${instance}/${lease.epoch}/${attempts}`;
  };
  const ports = { context, lease, client, begin: ledger.begin, stop, attemptMs };
  const sending: Sending = { ...ports, accounts, schedule, window, ledger, limits, metrics, nextAttemptId };
  const owner: Owner = { sending, notifier: createNotifier(), running: new Set(), loadDue: true };
  return owner;
}

/** Reads what is new, begins what is due, and waits for whatever comes first. */
async function round(owner: Owner): Promise<void> {
  const { sending, notifier } = owner;
  const { clock } = sending.context;
  const readAgainMs = await readLedger(owner);
  const untilMs = Math.min(readAgainMs, beginDue(owner));
  if (sending.window.isShort() && !owner.loadDue) return;
  await notifier.wait(Math.max(0, untilMs - clock.monotonicMs()), sending.stop);
  // Notifications are a convenience; the poll is what must be right.
  if (clock.monotonicMs() >= untilMs) owner.loadDue = true;
}

/** Returns when to read again, whatever happens. */
async function readLedger(owner: Owner): Promise<number> {
  const { context, window, stop } = owner.sending;
  const { clock, log } = context;
  const againMs = clock.monotonicMs() + pollMs;
  try {
    if (owner.loadDue) {
      owner.loadDue = false;
      await window.load(stop);
    }
    await window.refill();
    return againMs;
  } catch (error) {
    log.warn({ err: error }, "the schedule waits for Postgres");
    owner.loadDue = true;
    return clock.monotonicMs() + retryMs;
  }
}

/** Returns when something will be due, unless something is added before. */
function beginDue(owner: Owner): number {
  const { context, lease, schedule } = owner.sending;
  for (;;) {
    const step = schedule.next(context.clock.monotonicMs());
    if (step.kind === "idle") return step.untilMs;
    if (!lease.held() || context.signal.aborted) return Number.POSITIVE_INFINITY;
    track(owner, carryOut(owner.sending, step));
  }
}

function track({ running, notifier, sending }: Owner, work: Promise<void>): void {
  const tracked = work
    .catch((error: unknown) => {
      if (!sending.stop.aborted) sending.context.log.error({ err: error }, "the sender's work failed");
    })
    .finally(() => {
      running.delete(tracked);
      notifier.notify();
    });
  running.add(tracked);
}
