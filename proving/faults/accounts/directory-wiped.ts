// The directory's bucket is emptied, first without a trace and then key by key, as an operator's slip would: nobody who is known may
// become unknown, and core makes the bucket whole again.
import { buckets } from "@mio/shared/bus/names/streams.ts";
import type { NatsConnection } from "../../kit/bus/client.ts";
import { msUntil } from "../../stand/ms-until.ts";
import type { Fault } from "../fault.ts";

const healsWithinMs = 15_000;
const stream = `KV_${buckets.directory.name}`;

export const directoryWiped: Fault = {
  name: "directory-wiped",
  help: "the directory's bucket purged at 10 % of the run, and deleted key by key at 55 %",
  async run({ nats, load, at, progress }) {
    const findings: string[] = [];
    const before = await keysOf(nats);
    let slowestMs = 0;
    for (const [share, how, wipe] of [
      [0.1, "purged", purge],
      [0.55, "deleted key by key", deleteKeys],
    ] as const) {
      await at(share);
      await wipe(nats);
      progress(`directory-wiped: ${how}, ${before.length} keys are gone`);
      const whole = async () => {
        const now = new Set(await keysOf(nats));
        return before.every((key) => now.has(key));
      };
      const healedMs = await msUntil("the directory is whole again", whole, healsWithinMs);
      if (healedMs === undefined) findings.push(`the directory was ${how} and not whole again within ${healsWithinMs / 1_000} s`);
      else progress(`directory-wiped: whole again after ${healedMs} ms`);
      slowestMs = Math.max(slowestMs, healedMs ?? healsWithinMs);
    }
    await at(1);
    const statuses = load.messages.flatMap(({ attempts }) => attempts.map(({ status }) => status));
    for (const status of [401, 404]) {
      const count = statuses.filter((each) => each === status).length;
      if (count > 0) findings.push(`${count} webhooks were answered ${status}`);
    }
    return { figures: { keys: before.length, whole_again_after_ms: slowestMs }, findings };
  },
};

async function purge(nats: NatsConnection): Promise<void> {
  await (await nats.jetstreamManager()).streams.purge(stream);
}

async function deleteKeys(nats: NatsConnection): Promise<void> {
  const kv = await nats.jetstream().views.kv(buckets.directory.name, { bindOnly: true });
  for (const key of await keysOf(nats)) await kv.delete(key);
}

/** The live keys. */
async function keysOf(nats: NatsConnection): Promise<string[]> {
  const kv = await nats.jetstream().views.kv(buckets.directory.name, { bindOnly: true });
  const keys: string[] = [];
  for await (const key of await kv.keys()) keys.push(key);
  return keys;
}
