// The same platform once more, beside the one that plays the load: the same app, ids and secrets, for webhooks that must be refused. What it
// sends is in no schedule, so anything of it on a stream is found as unknown.
import type { Clock } from "@mio/shared/clock.ts";
import * as v from "valibot";
import { type LoadPlatform, startLoadPlatform } from "./platform.ts";

export interface ShadowPlatform extends AsyncDisposable {
  /** Sends `count` new messages, one after the other; how each first webhook was answered (0: not at all). */
  send(count: number): Promise<number[]>;
}

const delivered = v.object({ delivery: v.object({ status: v.number() }) });

/** `seed` is the run's own: the same seed makes the same secret. `account` is the one that the webhooks are for. */
export async function startShadowPlatform(options: {
  channelType: string;
  seed: number;
  webhookUrl: string;
  clock?: Clock;
}): Promise<ShadowPlatform> {
  const platform: LoadPlatform = await startLoadPlatform({ ...options, attempted: () => {} });
  await platform.control("POST", "apps", { name: "mio", webhook_url: options.webhookUrl });
  let sent = 0;
  return {
    async send(count) {
      const statuses: number[] = [];
      for (let each = 0; each < count; each += 1) {
        sent += 1;
        const message = { conversation: `shadow-${sent % 10}`, user: "nobody", text: `shadow ${sent}`, wait: true };
        statuses.push(v.parse(delivered, await platform.control("POST", "messages", message)).delivery.status);
      }
      return statuses;
    },
    [Symbol.asyncDispose]: () => platform[Symbol.asyncDispose](),
  };
}
