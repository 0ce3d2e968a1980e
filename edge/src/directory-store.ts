// The directory's copy in SQLite, the same in a Durable Object's storage and in the Node host's file. In clear for now: sealing comes
// with the edge issue.
import * as v from "valibot";
import type { DirectoryStore } from "./directory-copy.ts";

/** What both hosts' SQLite can do. */
export interface Sql {
  /** Runs one statement. Throws when the storage fails. */
  rows(query: string, ...values: (string | number | Uint8Array<ArrayBuffer>)[]): unknown[];
  /** What `write` does is stored whole or not at all. */
  together(write: () => void): void;
}

const blob = v.union([
  v.pipe(
    v.instance(ArrayBuffer),
    v.transform((buffer) => new Uint8Array(buffer)),
  ),
  v.pipe(
    v.instance(Uint8Array),
    v.transform((bytes) => Uint8Array.from(bytes)),
  ),
]);
const entryRows = v.array(v.object({ row_version: v.number(), value: blob }));
const positionRows = v.array(v.object({ created: v.string(), sequence: v.number() }));
const countRows = v.tuple([v.object({ entries: v.number() })]);
const layoutRows = v.array(
  v.pipe(
    v.object({ region: v.string(), generation: v.number(), shard_count: v.number() }),
    v.transform(({ region, generation, shard_count }) => ({ region, generation, shardCount: shard_count })),
  ),
);

/** Makes its tables where they are missing. */
export function directoryStore(sql: Sql): DirectoryStore {
  sql.rows("create table if not exists directory (key text primary key, row_version integer not null, value blob not null)");
  sql.rows(
    "create table if not exists position (only integer primary key check (only = 1), created text not null, sequence integer not null)",
  );
  sql.rows(`create table if not exists layouts (
    region text not null, generation integer not null, shard_count integer not null, primary key (region, generation, shard_count))`);
  return {
    get(key) {
      const [row] = v.parse(entryRows, sql.rows("select row_version, value from directory where key = ?", key));
      return row && { key, rowVersion: row.row_version, value: row.value };
    },
    put(entries, layouts, position) {
      sql.together(() => {
        for (const { key, rowVersion, value } of entries)
          sql.rows("insert or replace into directory (key, row_version, value) values (?, ?, ?)", key, rowVersion, value);
        for (const { region, generation, shardCount } of layouts)
          sql.rows(
            "insert or ignore into layouts (region, generation, shard_count) values (?, ?, ?)",
            region,
            generation,
            shardCount,
          );
        sql.rows(
          "insert or replace into position (only, created, sequence) values (1, ?, ?)",
          position.created,
          position.sequence,
        );
      });
    },
    position: () => v.parse(positionRows, sql.rows("select created, sequence from position"))[0],
    entries: () => v.parse(countRows, sql.rows("select count(*) as entries from directory"))[0].entries,
    layouts: () => v.parse(layoutRows, sql.rows("select region, generation, shard_count from layouts")),
  };
}
