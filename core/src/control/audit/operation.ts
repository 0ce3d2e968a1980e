// Reading the audit: what was done, and whether what stands there is what was written.
import type { Pool } from "pg";
import { AdminError } from "../admin-error.ts";
import { type AuditHead, type AuditRow, auditHead, type Chain, followChain, nothing, selectAudit } from "./audit.ts";

export type { AuditHead, AuditRow } from "./audit.ts";

const pageRows = 1_000;

/** The newest, newest first. */
export async function listAudit(db: Pool, limit: number): Promise<AuditRow[]> {
  const { sequence } = await auditHead(db);
  return (await selectAudit(db, Math.max(0, sequence - limit), limit)).reverse();
}

/** The chain as far as it holds. `expected` is a head that was noted earlier: without that very row, what came behind it was cut off or made anew. */
export async function verifyAudit(db: Pool, expected?: AuditHead): Promise<Chain | { kind: "other_head"; sequence: number }> {
  let head = nothing;
  let met = expected === undefined || expected.sequence === 0;
  for (;;) {
    const rows = await selectAudit(db, head.sequence, pageRows);
    const chain = followChain(head, rows);
    if (chain.kind === "broken") return chain;
    met ||= rows.some(({ sequence, hash }) => sequence === expected?.sequence && hash === expected.hash);
    head = chain.head;
    if (rows.length < pageRows) break;
  }
  return met ? { kind: "whole", head } : { kind: "other_head", sequence: expected?.sequence ?? 0 };
}

/** `<sequence>:<hash>`, as heads are printed. Throws AdminError for anything else. */
export function parseHead(text: string): AuditHead {
  const [, sequence, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (sequence === undefined || hash === undefined)
    throw new AdminError("invalid", 'a head is like 12:3fa9…, as "mio audit verify" prints it');
  return { sequence: Number(sequence), hash };
}
