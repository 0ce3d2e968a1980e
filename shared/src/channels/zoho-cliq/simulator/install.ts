// What an organisation with a bot has: its ids, its relay script's secret, its token.
import type { InstalledApp, SimulatorHost } from "../../contract/simulator.ts";
import { numberOfName, randomText } from "../../simulator/names.ts";
import { organizationIdOf, userIdOf } from "./ids.ts";

/** One organisation for each name. */
export function installedApp(name: string, host: SimulatorHost): InstalledApp {
  const organizationId = organizationIdOf(name);
  const botName = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "") || "bot";
  return {
    appId: `1000.${randomText(host.random, 24)}`,
    account: {
      externalId: organizationId,
      displayName: name,
      settings: {
        api_base_url: host.baseUrl,
        bot_unique_name: botName,
        bot_id: `b-${1_000_000_000 + numberOfName(`bot ${organizationId}`, 999_999_999)}`,
        self_ids: userIdOf(organizationId, `owner of ${name}`),
      },
      secrets: [{ scheme: "cliq-relay-hmac-sha256", value: randomText(host.random, 40) }],
      credential: `1000.${randomText(host.random, 32)}.${randomText(host.random, 32)}`,
    },
  };
}
