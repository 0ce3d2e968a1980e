// What the edge should know, computed from Postgres: one value a route. Pure, so that the loop around it only compares and writes.
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  DirectoryAccountSchema,
  type DirectorySecret,
  DirectorySecretSchema,
  type DirectoryValue,
  DirectoryValueSchema,
  ShardLayoutSchema,
} from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { accountRoute, channelRoute, workspaceRoute } from "@mio/shared/bus/wire/directory.ts";
import type { DirectoryAccount } from "../accounts/for-directory.ts";
import { closedBy } from "../accounts/layouts.ts";

/**
 * Values by route. Each account has a route of its own and, unless another live account has taken it, its workspace's. A disabled
 * account keeps both with its secrets: what it still sends is verified, kept aside and taken, for a platform that hears "no such
 * account" may end the subscription. A channel's shared route holds the secrets of all live accounts and only tells "verified, but
 * nobody's" from "forged"; without any it stays, as removed.
 */
export function directoryValuesOf(rows: readonly DirectoryAccount[]): Map<string, DirectoryValue> {
  const values = new Map<string, DirectoryValue>();
  for (const row of rows) {
    const own = accountValue(row, accountRoute(row.channel_type, row.id));
    values.set(own.route, own);
    const workspace = accountValue(row, workspaceRoute(row.channel_type, row.external_id));
    const other = values.get(workspace.route);
    // Of several accounts that ever had this workspace at most one is live (accounts_workspace); it speaks for the route.
    if (other?.account?.disabled !== false) values.set(workspace.route, { ...workspace, rowVersion: later(workspace, other) });
    else values.set(workspace.route, { ...other, rowVersion: later(workspace, other) });

    const shared = channelValue(row);
    const before = values.get(shared.route);
    const secrets = [...(before?.secrets ?? []), ...shared.secrets];
    values.set(shared.route, { ...shared, secrets, rowVersion: later(shared, before), removed: secrets.length === 0 });
  }
  return values;
}

function accountValue(row: DirectoryAccount, route: string): DirectoryValue {
  return create(DirectoryValueSchema, {
    version: 1,
    route,
    rowVersion: BigInt(row.row_version),
    secrets: secretsOf(row),
    account: create(DirectoryAccountSchema, {
      tenantId: row.tenant_id,
      accountId: row.id,
      channelType: row.channel_type,
      externalId: row.external_id,
      settings: row.settings,
      homeRegion: row.home_region,
      shardCount: row.shard_count,
      generation: BigInt(row.shard_generation),
      disabled: row.disabled,
      previous: row.previous_layouts.map(({ region, shard_count }) =>
        create(ShardLayoutSchema, { homeRegion: region, shardCount: shard_count }),
      ),
      closedBy: closedBy(row.previous_layouts, row.closings),
    }),
  });
}

function channelValue(row: DirectoryAccount): DirectoryValue {
  return create(DirectoryValueSchema, {
    version: 1,
    route: channelRoute(row.channel_type),
    rowVersion: BigInt(row.row_version),
    secrets: row.disabled ? [] : secretsOf(row),
  });
}

function secretsOf(row: DirectoryAccount): DirectorySecret[] {
  return row.secrets.map((secret) =>
    create(DirectorySecretSchema, {
      scheme: secret.scheme,
      value: secret.value,
      accountId: row.id,
      ...(secret.not_after === null ? {} : { notAfter: timestampFromDate(secret.not_after) }),
    }),
  );
}

function later(one: DirectoryValue, other: DirectoryValue | undefined): bigint {
  return other !== undefined && other.rowVersion > one.rowVersion ? other.rowVersion : one.rowVersion;
}
