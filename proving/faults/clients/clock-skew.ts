// Platforms whose clocks are ten minutes off: what they sign is refused and leaves nothing, while the others' webhooks go on.
import { clockOf } from "@mio/shared/clock.ts";
import { startShadowPlatform } from "../../load/shadow-platform.ts";
import type { Fault } from "../fault.ts";

const skewMs = 600_000;
const perLook = 5;

export const clockSkew: Fault = {
  name: "clock-skew",
  help: "webhooks signed by clocks that are ten minutes slow and fast; they must be refused with 401 (where the signature has a time)",
  onlyFor: ["slack", "test"],
  async run({ channel, seed, account, at, progress }) {
    const own = clockOf(globalThis);
    const skewed = (ms: number) =>
      startShadowPlatform({
        channelType: channel,
        seed,
        webhookUrl: account.webhook_url,
        clock: { ...own, nowMs: () => own.nowMs() + ms },
      });
    await using slow = await skewed(-skewMs);
    await using fast = await skewed(skewMs);
    const statuses: number[] = [];
    progress("clock-skew: begins");
    for (const share of [0.1, 0.3, 0.5, 0.7, 0.9]) {
      await at(share);
      statuses.push(...(await slow.send(perLook)), ...(await fast.send(perLook)));
    }
    const others = statuses.filter((status) => status !== 401);
    return {
      figures: { skewed_webhooks: statuses.length, refused_401: statuses.length - others.length },
      findings:
        others.length > 0 ? [`${others.length} skewed webhooks were not refused with 401, but answered ${others[0]}`] : [],
    };
  },
};
