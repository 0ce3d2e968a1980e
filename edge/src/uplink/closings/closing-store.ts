// What uplinks have closed, in SQLite, the same in a Durable Object's storage and in the Node host's file. One row an uplink and an account that
// was ever moved, so it stays small.
import * as v from "valibot";
import type { Sql } from "../../sql.ts";
import type { ClosingStore } from "./closings.ts";

/** The column `generation` is a layout's version. */
const closingRows = v.array(v.object({ account_id: v.string(), generation: v.number() }));

export interface ClosingStoreOptions {
  sql: Pick<Sql, "rows">;
  uplink: string;
  notAloneForMs: number;
  /** Resolves when what was written is on disk. */
  sync: () => Promise<void>;
}

/** Makes its table where it is missing. */
export function closingStore({ sql, uplink, notAloneForMs, sync }: ClosingStoreOptions): ClosingStore {
  sql.rows(`create table if not exists closings (
    uplink text not null, account_id text not null, generation integer not null, primary key (uplink, account_id))`);
  return {
    notAloneForMs,
    read() {
      const rows = v.parse(closingRows, sql.rows("select account_id, generation from closings where uplink = ?", uplink));
      return new Map(rows.map(({ account_id, generation: layoutVersion }) => [account_id, layoutVersion]));
    },
    async write(accountId, layoutVersion) {
      sql.rows(
        `insert into closings (uplink, account_id, generation) values (?, ?, ?)
         on conflict (uplink, account_id) do update set generation = max(generation, excluded.generation)`,
        uplink,
        accountId,
        layoutVersion,
      );
      await sync();
    },
  };
}
