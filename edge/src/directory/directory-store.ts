// The directory's copy in SQLite, the same in a Durable Object's storage and in the Node host's file. Values stay sealed here.
import * as v from "valibot";
import type { Sql } from "../sql.ts";
import type { DirectoryStore } from "./directory-copy.ts";

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
const entryRows = v.array(v.object({ row_version: v.number(), value: blob, sealed_with: v.string() }));
const positionRows = v.array(v.object({ created: v.string(), sequence: v.number(), keys: v.string() }));
const countRows = v.array(v.object({ sealed_with: v.string(), entries: v.number() }));
const layoutRows = v.array(
  v.pipe(
    v.object({ region: v.string(), generation: v.number(), shard_count: v.number() }),
    v.transform(({ region, generation, shard_count }) => ({ region, layoutVersion: generation, shardCount: shard_count })),
  ),
);

/** Makes its tables where they are missing. */
export function directoryStore(sql: Sql): DirectoryStore {
  // Of an earlier version, which kept values in clear.
  for (const table of ["directory", "position"]) sql.rows(`drop table if exists ${table}`);
  sql.rows(`create table if not exists sealed_directory (
    key text primary key, row_version integer not null, value blob not null, sealed_with text not null)`);
  sql.rows(`create table if not exists directory_position (
    only integer primary key check (only = 1), created text not null, sequence integer not null, keys text not null)`);
  sql.rows(`create table if not exists layouts (
    region text not null, generation integer not null, shard_count integer not null, primary key (region, generation, shard_count))`);
  return {
    get(key) {
      const query = "select row_version, value, sealed_with from sealed_directory where key = ?";
      const [row] = v.parse(entryRows, sql.rows(query, key));
      return row && { key, rowVersion: row.row_version, value: row.value, sealedWith: row.sealed_with };
    },
    put(entries, layouts, position) {
      sql.together(() => {
        const insert = "insert or replace into sealed_directory (key, row_version, value, sealed_with) values (?, ?, ?, ?)";
        for (const { key, rowVersion, value, sealedWith } of entries) sql.rows(insert, key, rowVersion, value, sealedWith);
        for (const { region, layoutVersion, shardCount } of layouts)
          sql.rows(
            "insert or ignore into layouts (region, generation, shard_count) values (?, ?, ?)",
            region,
            layoutVersion,
            shardCount,
          );
        sql.rows(
          "insert or replace into directory_position (only, created, sequence, keys) values (1, ?, ?, ?)",
          position.created,
          position.sequence,
          position.keys,
        );
      });
    },
    position: () => v.parse(positionRows, sql.rows("select created, sequence, keys from directory_position"))[0],
    entries: () => {
      const query = "select sealed_with, count(*) as entries from sealed_directory group by sealed_with";
      const counts = v.parse(countRows, sql.rows(query));
      return Object.fromEntries(counts.map(({ sealed_with, entries }) => [sealed_with, entries]));
    },
    layouts: () => v.parse(layoutRows, sql.rows("select region, generation, shard_count from layouts")),
  };
}
