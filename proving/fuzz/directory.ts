// The directory that the hostile accounts live in, as core would publish it.
import { accountRoute, channelRoute, workspaceRoute } from "@mio/shared/bus/wire/directory.ts";
import { forgers } from "@mio/shared/channels/conformance/forgers.ts";
import type { DirectoryInit } from "../kit/edge/bus.ts";

export function hostileDirectory(): DirectoryInit[] {
  return forgers.flatMap(({ channelType, accounts }) => {
    const values = accounts.flatMap((each): DirectoryInit[] => {
      const { tenantId, accountId, externalId, scheme, secret } = each;
      const account = { tenantId, accountId, channelType, externalId, homeRegion: "local", shardCount: 2, generation: 1n };
      const common = { rowVersion: 1n, secrets: [{ scheme, value: secret, accountId }], account };
      return [
        { route: accountRoute(channelType, accountId), ...common },
        { route: workspaceRoute(channelType, externalId), ...common },
      ];
    });
    const secrets = accounts.map(({ scheme, secret, accountId }) => ({ scheme, value: secret, accountId }));
    return [...values, { route: channelRoute(channelType), rowVersion: 1n, secrets }];
  });
}

/** Everything that no log may hold. */
export const hostileSecrets = forgers.flatMap(({ accounts }) =>
  accounts.flatMap(({ secret, privateKey }) => [secret, ...(privateKey === undefined ? [] : [privateKey])]),
);
