// What lies in the spools of a stopped host, read from its files as they are: nothing here goes through the host's own code.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as v from "valibot";
import type { Host } from "./system.ts";

const names = v.array(v.object({ name: v.string() }));
const counted = v.object({ rows: v.number() });

/** Rows of all shards, those that were set aside included. The host must not run. */
export function spooledRows(folder: string, host: Host): number {
  return databasesOf(join(folder, `spool-${host}`)).reduce((sum, file) => sum + rowsIn(file), 0);
}

function databasesOf(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return files.filter((file) => file.endsWith(".sqlite")).map((file) => join(folder, file));
}

function rowsIn(file: string): number {
  const database = new DatabaseSync(file);
  try {
    const query = "select name from sqlite_master where type = 'table' and name in ('spool', 'spool_aside')";
    const tables = v.parse(names, database.prepare(query).all());
    return tables.reduce((sum, { name }) => {
      return sum + v.parse(counted, database.prepare(`select count(*) as rows from ${name}`).get()).rows;
    }, 0);
  } finally {
    database.close();
  }
}
