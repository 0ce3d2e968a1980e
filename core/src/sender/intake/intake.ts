// From the bus into the ledger. One leader reads the work queue in stream order (read-outbound.ts), writes what it has read in one statement
// (write-rows.ts), and acknowledges what is committed. It needs Postgres and the bus, and never a platform.
import { streamOf } from "@mio/shared/bus/client/stream-admin.ts";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { busOf } from "../../bus/connect.ts";
import type { ServiceContext } from "../../service.ts";
import type { Lease } from "../lease/lease.ts";
import { openPosition } from "../ledger/intake.ts";
import type { SenderMetrics } from "../metrics.ts";
import { intakeRowOf } from "./intake-row.ts";
import { type OutboundReader, type Read, readOutbound } from "./read-outbound.ts";
import { type IntakeStatus, type Writing, writeRows } from "./write-rows.ts";

const pauseMs = 500;

type Intake = Pick<Writing, "context" | "lease" | "status" | "metrics">;

/** Reads until the lease or the service ends. */
export async function runIntake(
  context: ServiceContext,
  lease: Lease,
  status: IntakeStatus,
  metrics: SenderMetrics,
): Promise<void> {
  const signal = AbortSignal.any([context.signal, lease.signal]);
  status.leader = true;
  try {
    while (!signal.aborted) {
      try {
        await runSession({ context, lease, status, metrics }, signal);
      } catch (error) {
        if (signal.aborted) return;
        context.log.warn({ err: error }, "intake begins again with a new consumer");
        await context.clock.sleep(pauseMs, signal).catch(() => {});
      }
    }
  } finally {
    status.leader = false;
  }
}

/** With one consumer, from its making to a hole in its deliveries, or the end. */
async function runSession(intake: Intake, signal: AbortSignal): Promise<void> {
  const { writing, position } = await openLedger(intake);
  const reader = await readOutbound(busOf(intake.context), position, signal);
  try {
    for (let reads = await reader.next(); reads.length > 0; reads = await reader.next()) await take(writing, reader, reads);
  } catch (error) {
    // Where both have failed, it is the writing that says why.
    await reader.end().catch(() => {});
    throw error;
  }
  await reader.end();
}

/** Where reading goes on, once what the stream has lost meanwhile is written down. */
async function openLedger(intake: Intake): Promise<{ writing: Writing; position: number }> {
  const { context, status } = intake;
  const stream = streams.outbound.name;
  const found = await streamOf(busOf(context), stream);
  if (!found) throw new Error(`there is no stream ${stream}; core makes it at its start`);
  const opened = await openPosition(context.db, stream, found.created);
  status.lostUnread = opened.lostUnread;
  const writing: Writing = { ...intake, stream, streamEpoch: opened.streamEpoch };
  // A work queue's first sequence is the first that nobody has acknowledged, or one past the last.
  const { first_seq: first } = found.state;
  if (first <= opened.position + 1) return { writing, position: opened.position };
  const lostUnread = opened.first ? 0 : first - opened.position - 1;
  await writeRows(writing, { position: first - 1, lostUnread, rows: [] });
  reportLost(writing, lostUnread);
  return { writing, position: first - 1 };
}

async function take(writing: Writing, reader: OutboundReader, reads: readonly Read[]): Promise<void> {
  const { context, status, streamEpoch } = writing;
  const last = reads.at(-1);
  if (last === undefined) return;
  const position = last.incoming.streamSequence;
  const lostUnread = reads.reduce((sum, { lostBefore }) => sum + lostBefore, 0);
  const rows = reads.map(({ incoming }) => intakeRowOf(incoming, streamEpoch));
  await writeRows(writing, { position, lostUnread, rows });
  await context.checkpoint("sender.intake_inserted");
  reader.written(position);
  status.position = position;
  reportLost(writing, lostUnread);
  for (const { acknowledge } of reads) acknowledge();
}

function reportLost({ context, status }: Writing, count: number): void {
  if (count === 0) return;
  status.lostUnread += count;
  context.log.error({ lost_unread: count }, "commands left the outbound stream before anybody read them");
}
