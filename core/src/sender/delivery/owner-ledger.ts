// The owner's three ways into the ledger: read a command, write `sending`, record what came of it. What is asked for while one statement runs goes
// together into the next.
import type { ServiceContext } from "../../service.ts";
import type { Lease } from "../lease/lease.ts";
import { type Beginning, beginAttempts, type Change, type CommandRow, readCommands, recordChanges } from "../ledger/attempts.ts";
import type { CommandRecord } from "../ledger/command-record.ts";
import { createGroupCommit } from "../ledger/group-commit.ts";

export interface OwnerLedger {
  /** Null when there is no such row. */
  read(id: string): Promise<CommandRow | null>;
  /** False when the row is no longer there for us. */
  begin(beginning: Beginning): Promise<boolean>;
  /** Null when somebody else had judged the command before. */
  record(change: Change): Promise<CommandRecord | null>;
}

interface OwnerLedgerOptions {
  attemptMs: number;
  /** No call is begun after this. */
  stop: AbortSignal;
  /** Nothing waits for Postgres after this. */
  abandon: AbortSignal;
}

const groupMax = 256;

export function createOwnerLedger(context: ServiceContext, lease: Lease, options: OwnerLedgerOptions): OwnerLedger {
  const { clock, db, log } = context;
  const committing = {
    groupMax,
    clock,
    signal: options.abandon,
    onRetry: (error: unknown) => log.warn({ err: error }, "the sender waits for Postgres"),
  };
  const reader = createGroupCommit<string, CommandRow | null>({ ...committing, write: (ids) => readCommands(db, ids) });
  const beginner = createGroupCommit<Beginning, boolean>({
    ...committing,
    signal: options.stop,
    write: (beginnings) => beginAttempts(db, lease, options.attemptMs, beginnings),
  });
  const recorder = createGroupCommit<Change, CommandRecord | null>({
    ...committing,
    write: (changes) => recordChanges(db, changes),
  });
  return { read: reader.add, begin: beginner.add, record: recorder.add };
}
