// What a log reader does with the records of one partition: the seam between reading (log-reader.ts) and the two ways of working,
// lanes (one conversation after another's pace) and batches.
import type { LogRecord } from "./log-source.ts";

export interface Work {
  /** Takes a record; a promise when the reader must wait for room before the next one. */
  accept(record: LogRecord): Promise<void> | undefined;
  /** Starts nothing more, lets what runs finish for at most `graceMs`, then aborts it. Resolves when nothing runs. */
  drain(graceMs: number): Promise<void>;
  /** Somebody else owns the partition: aborts what runs. */
  abandon(): void;
}

/** One partition as its work sees it. */
export interface WorkContext {
  readonly partition: string;
  /** Ask before each effect; false once another owner may have taken the partition. */
  owned(): boolean;
  /** The record never comes again, to nobody of this group. */
  finished(record: LogRecord): void;
}

/** What a handler knows about its attempt. */
export interface Task {
  readonly partition: string;
  /** From 1; only counted failures raise it. */
  readonly attempt: number;
  owned(): boolean;
  /** Aborted when the result would not count any more. */
  readonly signal: AbortSignal;
}

/** Thrown by a handler when something else is at fault (the bus, a database, a lost ownership): tried again without end, never parked. */
export class TryAgain extends Error {
  override readonly name = "TryAgain";
}
