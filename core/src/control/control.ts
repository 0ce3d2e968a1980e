// What an operation is given: the database, what seals secrets, and who asks. Whatever changes something is one transaction with its audit rows.
import type { Pool, PoolClient } from "pg";
import type { SecretStore } from "../accounts/secret-store.ts";
import { inTransaction } from "../db/in-transaction.ts";
import type { Actor } from "./actor.ts";
import { type AuditEntry, appendAudit } from "./audit/audit.ts";

export interface Control {
  db: Pool;
  secrets: SecretStore;
  actor: Actor;
}

/** Notes one row. What a change is not worth a row, it does not note. */
export type Note = (entry: AuditEntry) => void;

/** Runs a change, and writes what it noted as the last statements before the commit: both are there, or neither. */
export async function changing<T>(
  { db, actor }: Pick<Control, "db" | "actor">,
  work: (client: PoolClient, note: Note) => Promise<T>,
): Promise<T> {
  const entries: AuditEntry[] = [];
  return inTransaction(db, async (client) => {
    const result = await work(client, (entry) => void entries.push(entry));
    await appendAudit(client, actor, entries);
    return result;
  });
}
