// Whose a quarantined request is now. An entry that the edge gave to an account is that account's. One without is its workspace's, but the
// workspace is only a claim: it must have been verified by a secret that this very account has, or somebody could write today, under his
// own secret, what becomes another tenant's message tomorrow (G11).
import type { QuarantineEntry } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { verifiedByChannel } from "@mio/shared/bus/wire/ingress-group.ts";
import type { InboundAccount } from "@mio/shared/channels/contract/account.ts";
import { type AccountId, isUuid, type TenantId } from "@mio/shared/ids.ts";
import type { Spread } from "@mio/shared/layout.ts";
import type { Pool } from "pg";
import * as v from "valibot";

type Owner =
  | { kind: "account"; account: InboundAccount; layout: Spread }
  /** `accountId`: whose it would be but for the reason; empty when no account is near. */
  | { kind: "nobody"; accountId: string; reason: string };

const row = v.object({
  id: v.string(),
  tenant_id: v.string(),
  channel_type: v.string(),
  external_id: v.string(),
  settings: v.record(v.string(), v.string()),
  home_region: v.string(),
  shard_count: v.number(),
  disabled: v.boolean(),
});

const columns = `id, tenant_id, channel_type, external_id, settings, home_region, shard_count,
  disabled_at is not null as disabled`;

/** `workspace` is what an entry without an account claims; empty when it claims none. */
export async function ownerOf(db: Pool, entry: QuarantineEntry, workspace: string): Promise<Owner> {
  if (entry.accountId === "" && workspace === "") return nobody("", "it has no account and names no workspace");
  const found = entry.accountId === "" ? await byWorkspace(db, entry.channelType, workspace) : await byId(db, entry);
  if (!found) {
    return nobody(
      "",
      entry.accountId === ""
        ? `no account of ${entry.channelType} has the workspace ${JSON.stringify(workspace)}; make one with "mio account create"`
        : `its account ${entry.accountId} is gone`,
    );
  }
  if (found.disabled) return nobody(found.id, `account ${found.id} is disabled`);
  if (entry.accountId === "" && !(await couldVerify(db, found.id, entry.verifiedBy)))
    return nobody(found.id, `it was not verified by a secret of account ${found.id}, so somebody else may have written it`);
  return {
    kind: "account",
    account: {
      tenantId: found.tenant_id as TenantId,
      accountId: found.id as AccountId,
      channelType: found.channel_type,
      externalId: found.external_id,
      settings: found.settings,
    },
    layout: { region: found.home_region, shardCount: found.shard_count },
  };
}

async function byId(db: Pool, { accountId, channelType }: QuarantineEntry): Promise<v.InferOutput<typeof row> | undefined> {
  if (!isUuid(accountId)) return undefined;
  return first(await db.query(`select ${columns} from accounts where id = $1 and channel_type = $2`, [accountId, channelType]));
}

/** The live account, else the one that was disabled last; the result says which. */
async function byWorkspace(db: Pool, channelType: string, workspace: string) {
  const found = await db.query(
    `select ${columns} from accounts where channel_type = $1 and external_id = $2 order by disabled_at desc nulls first limit 1`,
    [channelType, workspace.replaceAll("\0", "\ufffd")],
  );
  return first(found);
}

function first({ rows }: { rows: unknown[] }): v.InferOutput<typeof row> | undefined {
  return rows.length === 0 ? undefined : v.parse(row, rows[0]);
}

/** Secrets that are no longer valid count: they were when the request came. */
async function couldVerify(db: Pool, accountId: string, verifiedBy: string): Promise<boolean> {
  if (verifiedBy === verifiedByChannel) return true;
  if (!isUuid(verifiedBy)) return false;
  const found = await db.query(
    `select from account_secrets own join account_secrets used using (purpose, scheme, value)
      where purpose = 'verification' and own.account_id = $1 and used.account_id = $2 limit 1`,
    [accountId, verifiedBy],
  );
  return found.rows.length > 0;
}

function nobody(accountId: string, reason: string): Owner {
  return { kind: "nobody", accountId, reason };
}
