// The audit: who changed what, as rows that are only ever added. Each row's hash is made over the hash before it and its own content, so a row
// that was changed, removed or moved is found. What was cut off at the end is not, nor a chain that somebody made anew as a whole: for that, an
// earlier head has to be kept elsewhere.
import { createHash } from "node:crypto";
import type { Pool, PoolClient } from "pg";
import * as v from "valibot";
import type { Actor } from "../actor.ts";

/** Ids and names of fields: nobody's text, and no value. */
export interface AuditEntry {
  noun: "tenant" | "account" | "install" | "quarantine" | "keys";
  verb: string;
  /** Empty where none is concerned. */
  tenantId?: string;
  accountId?: string;
  subjectId: string;
  fields?: readonly string[];
}

const auditRow = v.object({
  sequence: v.pipe(v.string(), v.transform(Number)),
  at: v.date(),
  actor_kind: v.string(),
  actor_id: v.string(),
  noun: v.string(),
  verb: v.string(),
  tenant_id: v.string(),
  account_id: v.string(),
  subject_id: v.string(),
  fields: v.array(v.string()),
  hash: v.pipe(
    v.instance(Uint8Array),
    v.transform((bytes) => Buffer.from(bytes).toString("hex")),
  ),
});
export type AuditRow = v.InferOutput<typeof auditRow>;

export interface AuditHead {
  /** 0 when there is no row. */
  sequence: number;
  hash: string;
}

const columns = Object.keys(auditRow.entries).join(", ");
/** Any constant that no other program locks. */
const lockKey = 0x6d696f02;
/** What the first row's hash is made over. */
export const nothing: AuditHead = { sequence: 0, hash: "0".repeat(64) };

/** The last thing before the commit: from here on others' changes wait. */
export async function appendAudit(client: PoolClient, actor: Actor, entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length === 0) return;
  await client.query("select pg_advisory_xact_lock($1)", [lockKey]);
  let head = await auditHead(client);
  const at = new Date((await client.query<{ now: Date }>("select clock_timestamp() as now")).rows[0]?.now ?? Number.NaN);
  for (const { noun, verb, tenantId = "", accountId = "", subjectId, fields = [] } of entries) {
    const row = {
      sequence: head.sequence + 1,
      at,
      actor_kind: actor.kind,
      actor_id: actor.id,
      noun,
      verb,
      tenant_id: tenantId,
      account_id: accountId,
      subject_id: subjectId,
      fields: [...fields],
    };
    head = { sequence: row.sequence, hash: hashOf(head.hash, row) };
    await client.query(`insert into audit (${columns}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, [
      ...Object.values(row),
      Buffer.from(head.hash, "hex"),
    ]);
  }
}

export async function auditHead(db: Pick<Pool, "query">): Promise<AuditHead> {
  const { rows } = await db.query(`select ${columns} from audit order by sequence desc limit 1`);
  return rows.length === 0 ? nothing : v.parse(auditRow, rows[0]);
}

/** Up to `limit` rows behind a sequence, in order. */
export async function selectAudit(db: Pick<Pool, "query">, after: number, limit: number): Promise<AuditRow[]> {
  const { rows } = await db.query(`select ${columns} from audit where sequence > $1 order by sequence limit $2`, [after, limit]);
  return v.parse(v.array(auditRow), rows);
}

export type Chain =
  | { kind: "whole"; head: AuditHead }
  /** Nothing is wrong before `sequence`; from there on nothing is certain. */
  | { kind: "broken"; sequence: number; reason: "missing" | "not_its_hash" };

/** Follows the chain over rows in order, from a head that was found whole. Pure. */
export function followChain(from: AuditHead, rows: readonly AuditRow[]): Chain {
  let head = from;
  for (const { hash, ...row } of rows) {
    if (row.sequence !== head.sequence + 1) return { kind: "broken", sequence: head.sequence + 1, reason: "missing" };
    if (hashOf(head.hash, row) !== hash) return { kind: "broken", sequence: row.sequence, reason: "not_its_hash" };
    head = { sequence: row.sequence, hash };
  }
  return { kind: "whole", head };
}

/** Canonical: JSON of the row's parts in this order, the time in UTC to the millisecond. */
function hashOf(before: string, row: Omit<AuditRow, "hash">): string {
  const { sequence, at, actor_kind, actor_id, noun, verb, tenant_id, account_id, subject_id, fields } = row;
  const content = [sequence, at.toISOString(), actor_kind, actor_id, noun, verb, tenant_id, account_id, subject_id, fields];
  return createHash("sha256")
    .update(`${before}\n${JSON.stringify(content)}`)
    .digest("hex");
}
