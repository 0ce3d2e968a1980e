// Rows into the ledger, all of them or none, until it is done or the lease is lost. What the ledger does not take is explained: each message still
// gets its one final receipt.
import { DatabaseError } from "pg";
import type { ServiceContext } from "../../service.ts";
import type { Lease } from "../lease/lease.ts";
import { logFieldsOf } from "../ledger/command-record.ts";
import { isRefusalOfData } from "../ledger/group-commit.ts";
import { countDiffering, type IntakeRow, insertRows, knownCommands } from "../ledger/intake.ts";
import type { SenderMetrics } from "../metrics.ts";
import { deadInPlaceOf } from "./intake-row.ts";
import { sortKnown } from "./known-ids.ts";

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

export interface Writing {
  context: ServiceContext;
  lease: Lease;
  status: IntakeStatus;
  metrics: SenderMetrics;
  stream: string;
  /** Under which sequences of the stream stand in the ledger. */
  streamEpoch: number;
}

interface Rows {
  /** The last sequence that these rows cover. */
  position: number;
  /** Sequences that left the stream before anybody read them. */
  lostUnread: number;
  rows: readonly IntakeRow[];
}

const pauseMs = 500;

/** Throws when the lease is lost; then nobody knows whether it is written, and whoever has the lease now finds out. */
export async function writeRows(writing: Writing, rows: Rows): Promise<void> {
  const refused = await write(writing, rows);
  if (refused.length > 0) await explain(writing, refused, rows.position);
}

/** Returns the rows that the ledger had already. */
async function write(writing: Writing, insert: Rows): Promise<readonly IntakeRow[]> {
  const { context, lease, stream, streamEpoch } = writing;
  for (;;) {
    try {
      const result = await insertRows(context.db, { lease, stream, streamEpoch, ...insert });
      if (result.kind === "lost_lease") throw new LostLease("the intake lease belongs to somebody else");
      count(writing, insert.rows, result.sequences);
      return insert.rows.filter((row) => !result.sequences.has(row.streamSequence));
    } catch (error) {
      if (error instanceof LostLease || lease.signal.aborted) throw error;
      if (isRefusalOfData(error)) return writeOneByOne(writing, insert, error);
      context.log.warn({ err: error }, "intake waits for Postgres");
      await context.clock.sleep(pauseMs, lease.signal).catch(() => {});
    }
  }
}

function count({ context, status, metrics }: Writing, rows: readonly IntakeRow[], inserted: ReadonlySet<number>): void {
  status.inserted += inserted.size;
  for (const row of rows) {
    if (row.kind !== "dead" || !inserted.has(row.streamSequence)) continue;
    status.dead += 1;
    metrics.count({ channelType: row.channelType, state: "failed" });
    context.log.warn(logFieldsOf({ ...row, state: "failed" }), "a command that cannot be sent; it becomes a dead letter");
  }
}

/** One poison command must not stop the stream: it becomes a dead letter, the others go in as they are. */
async function writeOneByOne(writing: Writing, insert: Rows, error: unknown): Promise<readonly IntakeRow[]> {
  const [only, ...others] = insert.rows;
  if (only === undefined || (others.length === 0 && only.kind === "dead")) throw error;
  if (others.length === 0) {
    // The database's own words may quote the row, and the row holds somebody's text.
    const sqlstate = error instanceof DatabaseError ? error.code : undefined;
    writing.context.log.warn({ sqlstate, command_id: only.id }, "a command cannot be stored; it becomes a dead letter");
    const dead = deadInPlaceOf(only, writing.streamEpoch, "not_storable", "the ledger cannot hold this command");
    return write(writing, { ...insert, rows: [dead] });
  }
  const refused: IntakeRow[] = [];
  for (const [index, row] of insert.rows.entries()) {
    const lostUnread = index === 0 ? insert.lostUnread : 0;
    refused.push(...(await write(writing, { position: row.streamSequence, lostUnread, rows: [row] })));
  }
  return refused;
}

async function explain(writing: Writing, refused: readonly IntakeRow[], position: number): Promise<void> {
  const { context, status, streamEpoch } = writing;
  const known = await knownCommands(
    context.db,
    refused.map((row) => row.id),
  );
  const { differing, taken } = sortKnown(refused, known, streamEpoch);
  if (differing.length > 0) {
    status.differing += differing.length;
    const ids = differing.map((row) => row.id);
    context.log.warn({ command_ids: ids.slice(0, 10) }, "commands came again with other content; the first content is kept");
    await countDiffering(context.db, ids);
  }
  if (taken.length === 0) return;
  const rows = taken.map((row) =>
    row.kind === "dead"
      ? deadInPlaceOf(row, streamEpoch, row.errorCode, row.errorText)
      : deadInPlaceOf(row, streamEpoch, "id_taken", "another account has a command with this id"),
  );
  await write(writing, { position, lostUnread: 0, rows });
}

class LostLease extends Error {
  override readonly name = "LostLease";
}
