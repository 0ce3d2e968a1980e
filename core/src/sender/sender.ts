// The sender: three roles, each held by one process at a time, any of them in any process. Intake takes commands from the bus, the owner sends
// them, the publisher publishes their receipts. They meet in the ledger only.
import type { OutboundDoor } from "@mio/shared/channels/contract/outbound.ts";
import { snakeCase } from "@mio/shared/snake-case.ts";
import { serviceSecrets } from "../accounts/service-secrets.ts";
import { createSendClient } from "../egress/send-fetch.ts";
import type { Service, ServiceContext } from "../service.ts";
import { type Backlog, backlogOf } from "./backlog.ts";
import { type OwnerView, runOwner } from "./delivery/owner.ts";
import { runIntake } from "./intake/intake.ts";
import type { IntakeStatus } from "./intake/write-rows.ts";
import { type Lease, type LeaseTimes, whileHolding } from "./lease/lease.ts";
import { createHub, createNotifier, listenForHub } from "./lease/wake.ts";
import { createMetrics } from "./metrics.ts";
import { type OutboxStatus, runOutbox } from "./outbox/outbox.ts";
import { type VerdictLimits, verdictLimits } from "./schedule/verdict.ts";

interface SenderOptions {
  limits?: VerdictLimits;
}

/** The owner's lease is longer than the others', because a call may take half of it. */
const ownerLeaseShare = 2;
const backlogEveryMs = 2_000;

/** May run in several processes at once: leases give each role to one. */
export function createSender(doors: readonly OutboundDoor[], options: SenderOptions = {}): Service {
  return { name: "sender", run: (context) => run(context, doors, options.limits ?? verdictLimits) };
}

async function run(context: ServiceContext, doors: readonly OutboundDoor[], limits: VerdictLimits): Promise<void> {
  const { heartbeatMs, claimAfterMs } = context.config.ownership;
  const times = { leaseMs: claimAfterMs, renewEveryMs: heartbeatMs };
  const ownerTimes = { ...times, leaseMs: claimAfterMs * ownerLeaseShare };
  const metrics = createMetrics(
    context.metrics,
    doors.map((door) => door.channel.slug),
  );
  const secrets = await serviceSecrets(context);
  const client = createSendClient();
  const hub = createHub();
  const intake: IntakeStatus = { leader: false, position: 0, inserted: 0, dead: 0, differing: 0, lostUnread: 0 };
  const outbox: OutboxStatus = { publisher: false, published: 0, failing: 0 };
  let view: OwnerView | undefined;
  let backlog: Backlog | undefined;

  context.status("sender", () => ({
    intake: snakeCase(intake),
    outbox: snakeCase(outbox),
    owner: owned(view, context.clock.monotonicMs()),
    ledger: backlog && snakeCase(backlog),
  }));

  // Listening and measuring go on while roles finish after a stop.
  const ended = new AbortController();
  const listening = listenForHub(context, hub, ended.signal);
  const measuring = measure();
  const role = (name: string, leaseTimes: LeaseTimes, work: (lease: Lease) => Promise<void>) => {
    const notifier = createNotifier();
    hub.on("lease", notifier.notify);
    return whileHolding(context, name, leaseTimes, notifier, work);
  };
  try {
    await Promise.all([
      role("sender.intake", times, (lease) => runIntake(context, lease, intake, metrics)),
      role("sender.accounts", ownerTimes, (lease) =>
        runOwner(context, lease, hub, {
          doors,
          ring: secrets.ring,
          client,
          limits,
          attemptMs: ownerTimes.leaseMs / 2,
          metrics,
          show: (next) => {
            view = next;
          },
        }),
      ),
      role("sender.outbox", times, async (lease) => {
        const notifier = createNotifier();
        const unsubscribe = hub.on("outbox", notifier.notify);
        await runOutbox(context, lease, notifier, outbox).finally(unsubscribe);
      }),
    ]);
  } finally {
    ended.abort(new Error("the sender has stopped"));
    await Promise.all([listening, measuring, client.close()]);
  }

  async function measure(): Promise<void> {
    while (!ended.signal.aborted) {
      try {
        backlog = await backlogOf(context.db);
        metrics.gauge("queued", backlog.queued);
        metrics.gauge("unknown", backlog.unknown);
        metrics.gauge("outbox", backlog.outboxBacklog);
      } catch (error) {
        context.log.warn({ err: error }, "the sender's backlog could not be read");
      }
      await context.clock.sleep(backlogEveryMs, ended.signal).catch(() => {});
    }
  }
}

function owned(view: OwnerView | undefined, nowMs: number): unknown {
  if (view === undefined) return undefined;
  const blocked = view.blockedUntilMs();
  const queued = view.queuedByAccount();
  const accounts = [...new Set([...queued.keys(), ...blocked.keys()])].map((accountId) => ({
    account_id: accountId,
    in_memory: queued.get(accountId) ?? 0,
    blocked_for_ms: Math.round(Math.max(0, (blocked.get(accountId) ?? nowMs) - nowMs)),
  }));
  return { in_hand: view.inHand(), accounts };
}
