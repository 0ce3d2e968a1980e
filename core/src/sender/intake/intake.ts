// From the bus into the ledger. One leader reads the work queue in stream order, writes what it has read in one statement, and acknowledges what
// is committed. It needs Postgres and the bus, and never a platform. A durable consumer reorders on takeover and after lost deliveries, so a new
// leader, and a leader that sees a hole in its deliveries, recreates the consumer: then all that is left comes once more, in order.
import type { Bus } from "@mio/shared/bus/client/connection.ts";
import { createDurable, deleteDurable, durableOf, nanosecondsPerMs, streamOf } from "@mio/shared/bus/client/stream-admin.ts";
import { messageIdHeader, traceparentHeader } from "@mio/shared/bus/names/headers.ts";
import { senderDurable, streams } from "@mio/shared/bus/names/streams.ts";
import { type Pulled, pull } from "@mio/shared/bus/read/pull.ts";
import { DatabaseError } from "pg";
import { busOf } from "../../bus/connect.ts";
import type { ServiceContext } from "../../service.ts";
import type { Lease } from "../lease/lease.ts";
import { createNotifier } from "../lease/wake.ts";
import { logFieldsOf } from "../ledger/command-record.ts";
import { isRefusalOfData } from "../ledger/group-commit.ts";
import {
  countDiffering,
  type IntakeRow,
  insertRows,
  type Known,
  knownCommands,
  openPosition,
  type RowsToInsert,
} from "../ledger/intake.ts";
import type { SenderMetrics } from "../metrics.ts";
import { deadRow, type Incoming, intakeRowOf, subjectIn } from "./intake-row.ts";

/** Written by intake, read by `/status` and metrics. */
export interface IntakeStatus {
  leader: boolean;
  position: number;
  inserted: number;
  dead: number;
  /** The same id with other content; the first content is kept. */
  differing: number;
  lostUnread: number;
}

/** Bounds what is in memory: messages that were delivered and are not yet in the ledger. */
const ackPendingMax = 256;
const readBytesMax = 8 * 1024 * 1024;
const ackWaitMs = 30_000;
const fetchMs = 5_000;
const pauseMs = 500;

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
        await runSession(context, lease, status, metrics, signal);
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

interface Read {
  pulled: Pulled;
  incoming: Incoming;
  lostBefore: number;
}

async function runSession(
  context: ServiceContext,
  lease: Lease,
  status: IntakeStatus,
  metrics: SenderMetrics,
  signal: AbortSignal,
): Promise<void> {
  const stream = streams.outbound.name;
  const bus = busOf(context);
  const found = await streamOf(bus, stream);
  if (!found) throw new Error(`there is no stream ${stream}; core makes it at its start`);
  const opened = await openPosition(context.db, stream, found.created);
  const streamEpoch = opened.streamEpoch;
  let committed = opened.position;
  status.lostUnread = opened.lostUnread;
  // A work queue's first sequence is the first that nobody has acknowledged, or one past the last.
  const { first_seq: first } = found.state;
  if (first > committed + 1) {
    const gap = opened.first ? 0 : first - committed - 1;
    committed = first - 1;
    await write({ lease, stream, streamEpoch, position: committed, lostUnread: gap, rows: [] });
    reportLost(gap);
  }
  await recreateDurable(bus, stream);

  const buffer: Read[] = [];
  const notifier = createNotifier();
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  let highest = committed;
  const reading = readAll().finally(() => {
    ended.abort();
    notifier.notify();
  });
  try {
    while (!either.aborted || buffer.length > 0) {
      if (buffer.length === 0) await notifier.wait(fetchMs, either);
      // Also after a stop: what is in hand is written, if we still may.
      else await writeBuffered();
    }
  } finally {
    ended.abort();
    await reading.catch(() => {});
  }
  await reading;

  async function readAll(): Promise<void> {
    let deliveries = 0;
    while (!either.aborted) {
      const before = deliveries;
      const options = { messagesMax: ackPendingMax, expiresMs: fetchMs, signal: either };
      for await (const pulled of pull(bus, stream, senderDurable.name, options)) {
        deliveries += 1;
        if (pulled.delivery !== deliveries) throw new Error("a delivery was lost on the way");
        accept(pulled);
        if (either.aborted) return;
      }
      if (deliveries > before || either.aborted) continue;
      const consumer = await durableOf(bus, stream, senderDurable.name);
      if (!consumer) throw new Error("the consumer is gone");
      if (consumer.deliveries > deliveries) throw new Error("a delivery was lost on the way, or went to somebody else");
    }
  }

  function accept(pulled: Pulled): void {
    const { sequence: streamSequence } = pulled;
    if (streamSequence <= committed) {
      pulled.acknowledge();
      return;
    }
    // In the buffer already: its first delivery will be acknowledged, which acknowledges the message.
    if (streamSequence <= highest) return;
    buffer.push({ pulled, incoming: incomingOf(pulled), lostBefore: streamSequence - highest - 1 });
    highest = streamSequence;
    notifier.notify();
  }

  async function writeBuffered(): Promise<void> {
    const reads = takeReads(buffer);
    const last = reads.at(-1);
    if (last === undefined) return;
    const lostUnread = reads.reduce((sum, { lostBefore }) => sum + lostBefore, 0);
    const rows = reads.map(({ incoming }) => intakeRowOf(incoming, streamEpoch));
    const position = last.incoming.streamSequence;
    const refused = await write({ lease, stream, streamEpoch, position, lostUnread, rows });
    if (refused.length > 0) await explain(refused, position);
    await context.checkpoint("sender.intake_inserted");
    committed = position;
    status.position = position;
    reportLost(lostUnread);
    for (const { pulled } of reads) pulled.acknowledge();
  }

  /** Inserts until it is done or the lease is lost; returns the rows that the ledger had already. */
  async function write(insert: RowsToInsert): Promise<readonly IntakeRow[]> {
    for (;;) {
      try {
        const result = await insertRows(context.db, insert);
        if (result.kind === "lost_lease") throw new LostLease("the intake lease belongs to somebody else");
        status.inserted += result.sequences.size;
        for (const row of insert.rows) {
          if (row.kind !== "dead" || !result.sequences.has(row.streamSequence)) continue;
          status.dead += 1;
          metrics.count({ channelType: row.channelType, state: "failed" });
          context.log.warn(logFieldsOf({ ...row, state: "failed" }), "a command that cannot be sent; it becomes a dead letter");
        }
        return insert.rows.filter((row) => !result.sequences.has(row.streamSequence));
      } catch (error) {
        if (error instanceof LostLease || lease.signal.aborted) throw error;
        if (isRefusalOfData(error)) return writeOneByOne(insert, error);
        context.log.warn({ err: error }, "intake waits for Postgres");
        await context.clock.sleep(pauseMs, lease.signal).catch(() => {});
      }
    }
  }

  /** One poison command must not stop the stream: it becomes a dead letter, the others go in as they are. */
  async function writeOneByOne(insert: RowsToInsert, error: unknown): Promise<readonly IntakeRow[]> {
    const [only, ...others] = insert.rows;
    if (only === undefined || (others.length === 0 && only.kind === "dead")) throw error;
    if (others.length === 0) {
      // The database's own words may quote the row, and the row holds somebody's text.
      const sqlstate = error instanceof DatabaseError ? error.code : undefined;
      context.log.warn({ sqlstate, command_id: only.id }, "a command cannot be stored; it becomes a dead letter");
      return write({ ...insert, rows: [dead(only, "not_storable", "the ledger cannot hold this command")] });
    }
    const refused: IntakeRow[] = [];
    for (const [index, row] of insert.rows.entries()) {
      const lostUnread = index === 0 ? insert.lostUnread : 0;
      refused.push(...(await write({ ...insert, position: row.streamSequence, lostUnread, rows: [row] })));
    }
    return refused;
  }

  /** Ids that the ledger had already: our own redelivery, the same command again, other content, or an id that somebody else has taken. */
  async function explain(rows: readonly IntakeRow[], position: number): Promise<void> {
    const known = await knownCommands(
      context.db,
      rows.map((row) => row.id),
    );
    const differing = rows.filter((row) => meaningOf(row, known.get(row.id), streamEpoch) === "differing");
    if (differing.length > 0) {
      status.differing += differing.length;
      const ids = differing.map((row) => row.id);
      context.log.warn({ command_ids: ids.slice(0, 10) }, "commands came again with other content; the first content is kept");
      await countDiffering(context.db, ids);
    }
    const taken = rows.filter((row) => meaningOf(row, known.get(row.id), streamEpoch) === "taken");
    if (taken.length === 0) return;
    const rekeyed = taken.map((row) =>
      row.kind === "dead"
        ? dead(row, row.errorCode, row.errorText)
        : dead(row, "id_taken", "another account has a command with this id"),
    );
    await write({ lease, stream, streamEpoch, position, lostUnread: 0, rows: rekeyed });
  }

  /** The same message as a dead row under its place in the stream. */
  function dead(row: IntakeRow, code: string, text: string): IntakeRow {
    const { content: data, streamSequence, traceparent } = row;
    // The subject's tokens are all that a dead entry takes from it.
    const subject = row.deadLetterOf || subjectIn("outbound", row);
    return deadRow({ subject, data, streamSequence, messageId: "", traceparent }, streamEpoch, code, text);
  }

  function reportLost(count: number): void {
    if (count === 0) return;
    status.lostUnread += count;
    context.log.error({ lost_unread: count }, "commands left the outbound stream before anybody read them");
  }
}

class LostLease extends Error {
  override readonly name = "LostLease";
}

function meaningOf(row: IntakeRow, known: Known | undefined, streamEpoch: number): "same" | "differing" | "taken" {
  if (known === undefined || (known.streamEpoch === streamEpoch && known.streamSequence === row.streamSequence)) return "same";
  const sameContent = Buffer.compare(row.contentSha256, known.contentSha256) === 0;
  if (sameContent && row.accountId === known.accountId) return "same";
  return row.kind === "command" && row.accountId === known.accountId ? "differing" : "taken";
}

function takeReads(buffer: Read[]): Read[] {
  let bytes = 0;
  let count = 0;
  for (const { incoming } of buffer) {
    bytes += incoming.data.byteLength;
    if (count > 0 && bytes > readBytesMax) break;
    count += 1;
  }
  return buffer.splice(0, count);
}

function incomingOf({ message, sequence }: Pulled): Incoming {
  return {
    subject: message.subject,
    data: message.data,
    streamSequence: sequence,
    messageId: message.headers?.get(messageIdHeader) ?? "",
    traceparent: message.headers?.get(traceparentHeader) ?? "",
  };
}

async function recreateDurable(bus: Bus, stream: string): Promise<void> {
  await deleteDurable(bus, stream, senderDurable.name);
  await createDurable(bus, stream, {
    durable_name: senderDurable.name,
    ack_policy: "explicit",
    deliver_policy: "all",
    filter_subject: senderDurable.filterSubject,
    ack_wait: ackWaitMs * nanosecondsPerMs,
    max_ack_pending: ackPendingMax,
    max_deliver: -1,
  });
}
