// The accounts that have something to send, as the sender needs them: channel, settings, credential, rate. Read in one statement for all that
// are wanted and again every few seconds, so that a rotated credential or a disabled account takes effect soon.
import type { OutboundAccount } from "@mio/shared/channels/contract/account.ts";
import type { OutboundDoor } from "@mio/shared/channels/contract/outbound.ts";
import { type AccountId, isUuid } from "@mio/shared/ids.ts";
import type { Pool } from "pg";
import * as v from "valibot";
import { type Budget, createBudget } from "./schedule/budget.ts";

export type SenderAccount =
  | { kind: "ready"; tenantId: string; door: OutboundDoor; outbound: OutboundAccount }
  | { kind: "unusable"; code: string; text: string };

export interface Accounts {
  /** Undefined: never asked for. */
  get(accountId: string): SenderAccount | undefined;
  budgetOf(accountId: string): Budget | undefined;
  /** Reads those that are not known yet. */
  ensure(accountIds: readonly string[]): Promise<void>;
  /** Reads what is wanted anew and forgets all others, but for what is wanted or asked for by the time it is read. */
  refresh(wanted: () => Iterable<string>): Promise<void>;
  /** Until when the platform told an account to wait, by our monotonic clock. */
  blockedUntil(): Map<string, number>;
}

const accountRow = v.object({
  id: v.string(),
  tenant_id: v.string(),
  channel_type: v.string(),
  external_id: v.string(),
  settings: v.record(v.string(), v.string()),
  rate_limit_per_second: v.nullable(v.number()),
  disabled: v.boolean(),
  credential: v.nullable(v.string()),
  blocked_ms: v.nullable(v.number()),
});

/** What stood here before a failed refresh stays usable. */
export function createAccounts(db: Pool, doors: readonly OutboundDoor[], monotonicMs: () => number): Accounts {
  const known = new Map<string, SenderAccount>();
  const budgets = new Map<string, Budget>();
  /** Since the last refresh began: what is known then is not read by `ensure`, and must not be forgotten behind its back. */
  const askedFor = new Set<string>();
  /** Budgets begin with the ownership: what others spent before it is not known. */
  const startedMs = monotonicMs();

  async function read(ids: readonly string[]): Promise<Map<string, SenderAccount>> {
    const found = await db.query(
      `select a.id, a.tenant_id, a.channel_type, a.external_id, a.settings, a.rate_limit_per_second, a.disabled_at is not null as disabled,
         (select s.value from account_secrets s where s.account_id = a.id and s.purpose = 'credential'
            and (s.not_after is null or s.not_after > now())
          order by s.not_after is null desc, s.created_at desc limit 1) as credential,
         (extract(epoch from b.blocked_until - now()) * 1000)::float8 as blocked_ms
       from accounts a left join sender_budgets b on b.account_id = a.id::text where a.id = any($1::uuid[])`,
      [ids.filter(isUuid)],
    );
    const rows = new Map(v.parse(v.array(accountRow), found.rows).map((row) => [row.id, row]));
    return new Map(ids.map((id) => [id, accountOf(rows.get(id))]));
  }

  function accountOf(row: v.InferOutput<typeof accountRow> | undefined): SenderAccount {
    if (row === undefined) return { kind: "unusable", code: "account_unknown", text: "there is no such account" };
    const door = doors.find((each) => each.channel.slug === row.channel_type);
    if (door === undefined)
      return { kind: "unusable", code: "channel_unknown", text: `no channel ${row.channel_type} is built in` };
    if (row.disabled) return { kind: "unusable", code: "account_disabled", text: "the account is disabled" };
    if (row.credential === null)
      return { kind: "unusable", code: "credential_missing", text: "the account has no credential to send with" };
    pace(row, row.rate_limit_per_second ?? door.channel.limits.ratePerSecond);
    const outbound = {
      // The column is a uuid, so the text is an account id.
      accountId: row.id as AccountId,
      externalId: row.external_id,
      settings: row.settings,
      credential: row.credential,
    };
    return { kind: "ready", tenantId: row.tenant_id, door, outbound };
  }

  function pace(row: v.InferOutput<typeof accountRow>, ratePerSecond: number): void {
    const budget = budgets.get(row.id);
    if (budget !== undefined) {
      budget.setRate(ratePerSecond, monotonicMs());
      return;
    }
    const created = createBudget(ratePerSecond, startedMs);
    if (row.blocked_ms !== null && row.blocked_ms > 0) created.block(monotonicMs() + row.blocked_ms);
    budgets.set(row.id, created);
  }

  return {
    get: (accountId) => known.get(accountId),
    budgetOf: (accountId) => (known.get(accountId)?.kind === "ready" ? budgets.get(accountId) : undefined),
    ensure: async (accountIds) => {
      for (const id of accountIds) askedFor.add(id);
      const missing = accountIds.filter((id) => !known.has(id));
      if (missing.length > 0) for (const [id, account] of await read(missing)) known.set(id, account);
    },
    refresh: async (wanted) => {
      askedFor.clear();
      const before = [...known.keys()];
      const fresh = await read([...wanted()]);
      const inUse = new Set([...wanted(), ...askedFor]);
      // What nobody waits for is forgotten, so that it is read anew when it is wanted again.
      for (const id of before) {
        if (fresh.has(id) || inUse.has(id)) continue;
        known.delete(id);
        if (budgets.get(id)?.isFull(monotonicMs())) budgets.delete(id);
      }
      for (const [id, account] of fresh) known.set(id, account);
    },
    blockedUntil: () => {
      const now = monotonicMs();
      return new Map(
        [...budgets].map(([id, budget]) => [id, budget.blockedUntilMs()] as const).filter(([, untilMs]) => untilMs > now),
      );
    },
  };
}

/** Written when a platform says wait, so that the next owner knows. */
export async function storeBlock(db: Pool, accountId: string, blockMs: number): Promise<void> {
  await db.query(
    `insert into sender_budgets (account_id, blocked_until) values ($1, now() + $2 * interval '1 ms')
     on conflict (account_id) do update set blocked_until = greatest(sender_budgets.blocked_until, excluded.blocked_until)`,
    [accountId, blockMs],
  );
}
