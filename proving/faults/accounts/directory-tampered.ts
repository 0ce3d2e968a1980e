// Somebody may write to the directory's bucket and has no key: values are changed, moved under another route's key, and forged. Nobody becomes
// known by it, and whoever was known goes on.
import { randomBytes, randomUUID } from "node:crypto";
import { buckets } from "@mio/shared/bus/names/streams.ts";
import { accountRoute, directoryKeyOf, snapshotKey } from "@mio/shared/bus/wire/directory.ts";
import { edgeHealth } from "../../judge/edge-health.ts";
import { startShadowPlatform } from "../../load/shadow-platform.ts";
import type { Fault } from "../fault.ts";

/** An isolate looks at its directory every five seconds, the directory at the bucket every second. */
const takenUpMs = 8_000;

export const directoryTampered: Fault = {
  name: "directory-tampered",
  help: "values of the directory's bucket changed, moved under a stranger's key and forged, at 20 % and 60 % of the run",
  secondsMin: 30,
  async run({ system, channel, seed, account, nats, load, at, pause, progress }) {
    const kv = await nats.jetstream().views.kv(buckets.directory.name, { bindOnly: true });
    const own = directoryKeyOf(accountRoute(channel, account.account_id));
    const stranger = randomUUID();
    const keyOfStranger = directoryKeyOf(accountRoute(channel, stranger));
    const strangersUrl = account.webhook_url.replace(account.account_id, stranger);
    await using forger = await startShadowPlatform({ channelType: channel, seed, webhookUrl: strangersUrl });
    const statuses: number[] = [];
    let passedOver = 0;
    let written = 0;
    for (const share of [0.2, 0.6]) {
      await at(share);
      const genuine = (await kv.get(own))?.value;
      if (!genuine) throw new Error("the account's own route is not in the directory's bucket");
      const changed = Uint8Array.from(genuine);
      changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
      await kv.put(own, changed);
      await kv.put(keyOfStranger, genuine);
      await kv.put(snapshotKey, randomBytes(64));
      written += 3;
      progress("directory-tampered: one value changed, one moved to a stranger's key, the marker forged");
      await pause(takenUpMs);
      passedOver = Math.max(passedOver, (await edgeHealth(system.info().edge))?.passedOver ?? 0);
      statuses.push(...(await forger.send(5)));
    }
    const accepted = statuses.filter((status) => status >= 200 && status <= 299).length;
    const others = load.messages
      .flatMap(({ attempts }) => attempts)
      .filter(({ status }) => status === 401 || status === 404).length;
    return {
      figures: {
        values_written: written,
        passed_over: passedOver,
        strangers_webhooks: statuses.length,
        strangers_accepted: accepted,
      },
      findings: [
        ...(accepted > 0 ? [`${accepted} webhooks of a stranger's account were accepted`] : []),
        ...(others > 0 ? [`${others} webhooks of the account were answered 401 or 404`] : []),
        ...(passedOver === 0 ? ["the edge has not noticed anything"] : []),
      ],
    };
  },
};
