// Whose a quarantined request is now. An entry that the edge gave to an account is that account's. One without is its workspace's, but the
// workspace is only a claim: it must have been verified by a secret that this very account has, or somebody could write today, under his
// own secret, what becomes another tenant's message tomorrow (G11).
import type { QuarantineEntry } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { verifiedByChannel } from "@mio/shared/bus/wire/ingress-group.ts";
import type { InboundAccount } from "@mio/shared/channels/contract/account.ts";
import { type AccountId, isUuid, type TenantId } from "@mio/shared/ids.ts";
import type { Spread } from "@mio/shared/layout.ts";
import type { Pool } from "pg";
import { accountOfChannel, accountOfWorkspace } from "../../accounts/for-quarantine.ts";
import { shareVerification } from "../../accounts/secrets.ts";

type Owner =
  | { kind: "account"; account: InboundAccount; layout: Spread }
  /** `accountId`: whose it would be but for the reason; empty when no account is near. */
  | { kind: "nobody"; accountId: string; reason: string };

/** `workspace` is what an entry without an account claims; empty when it claims none. */
export async function ownerOf(db: Pool, entry: QuarantineEntry, workspace: string): Promise<Owner> {
  if (entry.accountId === "" && workspace === "") return nobody("", "it has no account and names no workspace");
  const found =
    entry.accountId === ""
      ? await accountOfWorkspace(db, entry.channelType, workspace)
      : await accountOfChannel(db, entry.channelType, entry.accountId);
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

/** Secrets that are no longer valid count: they were when the request came. */
async function couldVerify(db: Pool, accountId: string, verifiedBy: string): Promise<boolean> {
  if (verifiedBy === verifiedByChannel) return true;
  if (!isUuid(verifiedBy)) return false;
  return shareVerification(db, accountId, verifiedBy);
}

function nobody(accountId: string, reason: string): Owner {
  return { kind: "nobody", accountId, reason };
}
