// One owner at a time by a row in Postgres. The database's clock says when a lease ends for others; our monotonic clock, started before each
// renewal was asked for, says earlier when it ends for us. Statements that only an owner may run check the epoch themselves.
import type { Pool } from "pg";
import type { ServiceContext } from "../../service.ts";
import { channels, type Notifier } from "./wake.ts";

export interface Lease {
  readonly name: string;
  readonly owner: string;
  readonly epoch: number;
  /** By monotonic clock, so it is true also right after a pause of this process. */
  held(): boolean;
  /** Aborted when the lease has lapsed or is given back. */
  readonly signal: AbortSignal;
}

export interface LeaseTimes {
  /** How long a lease lasts without renewal. */
  leaseMs: number;
  renewEveryMs: number;
}

/** SQL for the head of a statement: `held` has one row while the lease is ours, and a takeover waits until this statement has committed. */
export function leaseCte(nameAt: number): string {
  return `held as (select epoch from sender_leases
    where name = $${nameAt} and owner = $${nameAt + 1} and epoch = $${nameAt + 2} and expires_at > now() for share)`;
}

/** The three parameters of `leaseCte`, in its order. */
export function leaseValues(lease: Lease): [string, string, number] {
  return [lease.name, lease.owner, lease.epoch];
}

/**
 * Runs `work` whenever this instance holds the lease, until the context's signal is aborted: then `work` ends by itself and the
 * lease is given back. `work` must end soon after `lease.signal`; a rejection is logged and the lease given to whoever comes first.
 */
export async function whileHolding(
  context: ServiceContext,
  name: string,
  times: LeaseTimes,
  notifier: Notifier,
  work: (lease: Lease) => Promise<void>,
): Promise<void> {
  while (!context.signal.aborted) {
    const askedAtMs = context.clock.monotonicMs();
    const epoch = await acquire(context.db, name, context.instance, times.leaseMs).catch((error: unknown) => {
      context.log.warn({ err: error, lease: name }, "cannot ask for the lease");
      return undefined;
    });
    if (epoch === undefined) {
      await notifier.wait(times.renewEveryMs, context.signal);
      continue;
    }
    context.log.info({ lease: name, epoch }, "lease taken");
    await hold(context, name, epoch, askedAtMs, times, work);
    context.log.info({ lease: name, epoch }, "lease given back");
    // After a failure somebody else should have a chance, and the fault some time.
    if (!context.signal.aborted) await context.clock.sleep(times.renewEveryMs, context.signal).catch(() => {});
  }
}

async function hold(
  context: ServiceContext,
  name: string,
  epoch: number,
  askedAtMs: number,
  times: LeaseTimes,
  work: (lease: Lease) => Promise<void>,
): Promise<void> {
  const { clock, db } = context;
  const owner = context.instance;
  const ended = new AbortController();
  // A tenth earlier than for others: the two clocks need not run alike.
  const oursMs = times.leaseMs * 0.9;
  let untilMs = askedAtMs + oursMs;
  const held = () => !ended.signal.aborted && clock.monotonicMs() < untilMs;
  const working = work({ name, owner, epoch, held, signal: ended.signal }).then(
    () => undefined,
    (error: unknown) => context.log.error({ err: error, lease: name }, "the lease's work failed; it starts again"),
  );
  let finished = false;
  const done = working.finally(() => {
    finished = true;
    ended.abort(new Error("the lease's work has ended"));
  });
  let lapse = setTimeout(onLapse, oursMs);
  function onLapse() {
    const leftMs = untilMs - clock.monotonicMs();
    if (leftMs > 0) lapse = setTimeout(onLapse, leftMs);
    else ended.abort(new Error(`lease ${name} has lapsed`));
  }
  while (!finished) {
    await clock.sleep(times.renewEveryMs, ended.signal).catch(() => {});
    if (ended.signal.aborted) break;
    const renewalAskedAtMs = clock.monotonicMs();
    try {
      if (!(await renew(db, name, owner, epoch, times.leaseMs))) ended.abort(new Error(`lease ${name} belongs to somebody else`));
      else if (held()) untilMs = renewalAskedAtMs + oursMs;
    } catch (error) {
      context.log.warn({ err: error, lease: name }, "cannot renew the lease");
    }
  }
  await done;
  clearTimeout(lapse);
  await release(db, name, owner, epoch).catch(() => {});
}

/** The new epoch, or undefined while somebody else holds it. */
async function acquire(db: Pool, name: string, owner: string, leaseMs: number): Promise<number | undefined> {
  const taken = await db.query<{ epoch: string }>(
    `insert into sender_leases as l (name, owner, epoch, expires_at) values ($1, $2, 1, now() + $3 * interval '1 ms')
     on conflict (name) do update set owner = excluded.owner, epoch = l.epoch + 1, expires_at = excluded.expires_at
       where l.expires_at <= now()
     returning epoch`,
    [name, owner, leaseMs],
  );
  const row = taken.rows[0];
  return row && Number(row.epoch);
}

async function renew(db: Pool, name: string, owner: string, epoch: number, leaseMs: number): Promise<boolean> {
  const renewed = await db.query(
    `update sender_leases set expires_at = now() + $4 * interval '1 ms' where name = $1 and owner = $2 and epoch = $3 and expires_at > now()`,
    [name, owner, epoch, leaseMs],
  );
  return renewed.rowCount === 1;
}

async function release(db: Pool, name: string, owner: string, epoch: number): Promise<void> {
  await db.query(
    `with ended as (update sender_leases set expires_at = now() where name = $1 and owner = $2 and epoch = $3 returning name)
     select pg_notify('${channels.lease}', name) from ended`,
    [name, owner, epoch],
  );
}
