// The accounts that have something to send, as the sender needs them: channel, settings, credential, rate. Read in one statement for all that
// are wanted and again every few seconds, so that a rotated credential or a disabled account takes effect soon.
import type { OutboundAccount } from "@mio/shared/channels/contract/account.ts";
import type { OutboundDoor } from "@mio/shared/channels/contract/outbound.ts";
import type { AccountId } from "@mio/shared/ids.ts";
import type { Pool } from "pg";
import type { Logger } from "pino";
import * as v from "valibot";
import { accountsForSending, type SendingAccount } from "../accounts/for-sending.ts";
import { refusalText, type SecretRing } from "../accounts/sealing.ts";
import { type Budget, createBudget } from "./schedule/budget.ts";

export type SenderAccount =
  | { kind: "ready"; tenantId: string; door: OutboundDoor; outbound: OutboundAccount }
  /** It will never send: its commands fail. */
  | { kind: "unusable"; code: string; text: string }
  /** Its credential does not open, which is for an operator to mend: its commands wait. */
  | { kind: "held"; reason: string };

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

type Refused = Extract<SendingAccount["credential"], { kind: "refused" }>;

/** Longer than from one reading to the next. */
const heldMs = 5_000;
/** Anything: the budget is blocked for as long as it has this rate. */
const heldRate = 1;

const blockRows = v.array(v.object({ account_id: v.string(), blocked_ms: v.number() }));

/** What stood here before a failed refresh stays usable. */
export function createAccounts(
  { db, ring, log }: { db: Pool; ring: SecretRing; log: Pick<Logger, "error"> },
  doors: readonly OutboundDoor[],
  monotonicMs: () => number,
): Accounts {
  const known = new Map<string, SenderAccount>();
  const budgets = new Map<string, Budget>();
  /** Since the last refresh began: what is known then is not read by `ensure`, and must not be forgotten behind its back. */
  const askedFor = new Set<string>();
  /** Budgets begin with the ownership: what others spent before it is not known. */
  const startedMs = monotonicMs();

  async function read(ids: readonly string[]): Promise<Map<string, SenderAccount>> {
    const [found, blocked] = await Promise.all([accountsForSending(db, ring, ids), readBlocks(db, ids)]);
    return new Map(ids.map((id) => [id, accountOf(found.get(id), blocked.get(id))]));
  }

  function accountOf(row: SendingAccount | undefined, blockedMs: number | undefined): SenderAccount {
    if (row === undefined) return { kind: "unusable", code: "account_unknown", text: "there is no such account" };
    const door = doors.find((each) => each.channel.slug === row.channel_type);
    if (door === undefined)
      return { kind: "unusable", code: "channel_unknown", text: `no channel ${row.channel_type} is built in` };
    if (row.disabled) return { kind: "unusable", code: "account_disabled", text: "the account is disabled" };
    const { credential } = row;
    if (credential.kind === "none")
      return { kind: "unusable", code: "credential_missing", text: "the account has no credential to send with" };
    if (credential.kind === "refused") return held(row.id, credential, blockedMs);
    pace(row.id, row.rate_limit_per_second ?? door.channel.limits.ratePerSecond, blockedMs);
    const outbound = {
      // The column is a uuid, so the text is an account id.
      accountId: row.id as AccountId,
      externalId: row.external_id,
      settings: row.settings,
      credential: credential.value,
    };
    return { kind: "ready", tenantId: row.tenant_id, door, outbound };
  }

  /** Until it is read again, and longer, so that none slips through between. */
  function held(accountId: string, refused: Refused, blockedMs: number | undefined): SenderAccount {
    const reason = refusalText(refused);
    const before = known.get(accountId);
    if (before?.kind !== "held" || before.reason !== reason)
      log.error(
        { account_id: accountId, key: refused.keyName },
        `an account's credential does not open, its commands wait: ${reason}`,
      );
    pace(accountId, heldRate, blockedMs);
    budgets.get(accountId)?.block(monotonicMs() + heldMs);
    return { kind: "held", reason };
  }

  function pace(accountId: string, ratePerSecond: number, blockedMs = 0): void {
    const budget = budgets.get(accountId);
    if (budget !== undefined) {
      budget.setRate(ratePerSecond, monotonicMs());
      return;
    }
    const created = createBudget(ratePerSecond, startedMs);
    if (blockedMs > 0) created.block(monotonicMs() + blockedMs);
    budgets.set(accountId, created);
  }

  return {
    get: (accountId) => known.get(accountId),
    budgetOf: (accountId) => (known.get(accountId)?.kind === "unusable" ? undefined : budgets.get(accountId)),
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

/** For how long from now a platform's "wait" still holds, by account. */
async function readBlocks(db: Pool, accountIds: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await db.query(
    `select account_id, (extract(epoch from blocked_until - now()) * 1000)::float8 as blocked_ms
     from sender_budgets where account_id = any($1)`,
    [accountIds],
  );
  return new Map(v.parse(blockRows, rows).map(({ account_id, blocked_ms }) => [account_id, blocked_ms]));
}

/** Written when a platform says wait, so that the next owner knows. */
export async function storeBlock(db: Pool, accountId: string, blockMs: number): Promise<void> {
  await db.query(
    `insert into sender_budgets (account_id, blocked_until) values ($1, now() + $2 * interval '1 ms')
     on conflict (account_id) do update set blocked_until = greatest(sender_budgets.blocked_until, excluded.blocked_until)`,
    [accountId, blockMs],
  );
}
