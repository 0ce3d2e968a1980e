// The one SQLite file of a data folder: what every shard spooled, and the directory's copy. A write has reached the disk when the call
// returns, and as long as this process lives no other one can open the file.
import { closeSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import * as v from "valibot";
import type { Sql } from "../../sql.ts";

/** SQLite's number for it. */
const incremental = 2;

export class Database implements Sql {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** Throws one line for people: the folder cannot be used, or another process uses it. */
  constructor(folder: string) {
    const path = join(folder, "edge.sqlite");
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      this.#database = new DatabaseSync(path);
    } catch (error) {
      throw new Error(`${folder} cannot hold the spool: ${messageOf(error)}`, { cause: error });
    }
    try {
      // SQLite's own lock, taken by the next line: held until the file is closed, and gone with the process however that ends.
      this.#database.exec("pragma locking_mode = exclusive");
      // Before the first page is written; a file of an earlier version is rewritten once.
      const isNew = this.#pragma("page_count") === 0;
      const shrinks = isNew || this.#pragma("auto_vacuum") === incremental;
      this.#database.exec("pragma auto_vacuum = incremental");
      if (!shrinks) this.#database.exec("vacuum");
      this.#database.exec("pragma journal_mode = wal");
      this.#database.exec("pragma synchronous = full");
      for (const each of [folder, dirname(resolve(folder))]) syncFolder(each);
    } catch (error) {
      this.#database.close();
      if (isBusy(error)) throw new Error(`another process uses ${folder}; each needs a data folder of its own`, { cause: error });
      throw new Error(`${path} cannot hold the spool: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Runs one statement; a write is on disk when this returns. Throws when the storage fails: then nothing was written. */
  rows(query: string, ...values: (string | number | Uint8Array<ArrayBuffer>)[]): unknown[] {
    return this.#statement(query).all(...values);
  }

  together(write: () => void): void {
    this.#database.exec("begin immediate");
    try {
      write();
      this.#database.exec("commit");
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("rollback");
      throw error;
    }
  }

  /** As `rows`, without waiting for the disk: a power cut may undo it, a later `rows` makes it last. */
  rowsSoon(query: string, ...values: (string | number)[]): unknown[] {
    this.#database.exec("pragma synchronous = normal");
    try {
      return this.rows(query, ...values);
    } finally {
      this.#database.exec("pragma synchronous = full");
    }
  }

  /** Bytes of the file that hold nothing. */
  get freeBytes(): number {
    return this.#pragma("freelist_count") * this.#pragma("page_size");
  }

  /** Gives at most so many free bytes back to the disk. Moves pages, so it takes a while: not while somebody waits. */
  shrink(bytesMax: number): void {
    const pages = Math.max(1, Math.floor(bytesMax / this.#pragma("page_size")));
    this.#database.exec("pragma synchronous = normal");
    try {
      this.#database.exec(`pragma incremental_vacuum(${pages})`);
      // Only then does the file end earlier; the journal gives its own bytes back with it.
      this.#database.exec("pragma wal_checkpoint(truncate)");
    } finally {
      this.#database.exec("pragma synchronous = full");
    }
  }

  close(): void {
    this.#database.close();
  }

  #pragma(name: "page_count" | "auto_vacuum" | "freelist_count" | "page_size"): number {
    return v.parse(v.tuple([v.record(v.string(), v.number())]), this.rows(`pragma ${name}`))[0][name] ?? 0;
  }

  /** Queries are constants of this program, so there are only a few. */
  #statement(query: string): StatementSync {
    const known = this.#statements.get(query);
    if (known) return known;
    const prepared = this.#database.prepare(query);
    this.#statements.set(query, prepared);
    return prepared;
  }
}

/** A new file survives a power cut only when its folder's own entry is on disk. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** SQLITE_BUSY. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === 5;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
