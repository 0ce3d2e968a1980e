// Whose webhook it is, and which secrets must verify it. On a shared URL the claimed workspace chooses one account, and only that
// account's secrets count: somebody who knows his own secret can never sign for another's workspace.

import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { DirectoryAccount, DirectoryValue } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { accountRoute, channelRoute, workspaceRoute } from "@mio/shared/bus/wire/directory.ts";
import type { InboundAccount, VerificationSecret } from "@mio/shared/channels/contract/account.ts";
import type { WebhookReading } from "@mio/shared/channels/contract/inbound.ts";
import { type AccountId, isUuid, type TenantId } from "@mio/shared/ids.ts";
import type { Directory, Found } from "../directory/directory.ts";
import { layoutOf, type ShardLayout } from "../uplink/layout.ts";

export type Recipient =
  | { kind: "account"; account: InboundAccount; layout: ShardLayout; disabled: boolean; secrets: VerificationSecret[] }
  /** A shared URL and no such workspace: `secrets` only distinguish a genuine request that has no account from a forged one. */
  | { kind: "nobody"; workspace: string; secrets: OwnedSecret[] }
  /** An account's URL, and no such account. */
  | { kind: "unknown_url" }
  | { kind: "not_loaded" };

/** `owner`: the account whose secret it is; empty when it is all accounts'. */
export type OwnedSecret = VerificationSecret & { owner: string };

/** Whose webhook it is by its URL or by what it claims, and the secrets that must verify it. Never rejects for what a caller sent. */
export async function recipientOf(
  directory: Directory,
  channelType: string,
  webhook: Pick<WebhookReading, "workspace">,
  accountId: string | undefined,
  nowMs: number,
): Promise<Recipient> {
  if (accountId !== undefined) {
    if (!isUuid(accountId)) return { kind: "unknown_url" };
    const [own] = await directory.find([accountRoute(channelType, accountId)] as const);
    return recipientIn(own, channelType, nowMs) ?? { kind: "unknown_url" };
  }
  const workspace = webhook.workspace();
  const routes = [channelRoute(channelType), workspaceRoute(channelType, workspace ?? "")] as const;
  const [channel, claimed] = await directory.find(routes);
  const recipient = workspace === undefined ? undefined : recipientIn(claimed, channelType, nowMs);
  if (recipient) return recipient;
  if (channel.kind === "not_loaded") return { kind: "not_loaded" };
  return {
    kind: "nobody",
    workspace: workspace ?? "",
    secrets: channel.kind === "found" ? liveSecrets(channel.value, nowMs) : [],
  };
}

/** Undefined when the route is certainly nobody's. */
function recipientIn(found: Found, channelType: string, nowMs: number): Recipient | undefined {
  if (found.kind === "not_loaded") return { kind: "not_loaded" };
  if (found.kind === "unknown") return undefined;
  const { account } = found.value;
  // A value that core writes for a route of this channel names an account of it; anything else is not ours to guess.
  if (account === undefined || !complete(account, channelType)) return { kind: "not_loaded" };
  return {
    kind: "account",
    account: {
      tenantId: account.tenantId as TenantId,
      accountId: account.accountId as AccountId,
      channelType: account.channelType,
      externalId: account.externalId,
      settings: account.settings,
    },
    layout: layoutOf(account),
    disabled: account.disabled,
    secrets: liveSecrets(found.value, nowMs).filter(({ owner }) => owner === "" || owner === account.accountId),
  };
}

function complete(account: DirectoryAccount, channelType: string): boolean {
  return (
    isUuid(account.tenantId) &&
    isUuid(account.accountId) &&
    account.channelType === channelType &&
    account.homeRegion !== "" &&
    account.shardCount >= 1
  );
}

function liveSecrets(value: DirectoryValue, nowMs: number): OwnedSecret[] {
  return value.secrets
    .filter(
      ({ notBefore, notAfter }) =>
        !(notBefore && nowMs < timestampMs(notBefore)) && !(notAfter && nowMs >= timestampMs(notAfter)),
    )
    .map(({ scheme, value: secret, accountId }) => ({ scheme, value: secret, owner: accountId }));
}
