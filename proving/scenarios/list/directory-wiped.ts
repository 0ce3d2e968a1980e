// (i) The directory's bucket is emptied, first without a trace and then key by key, as an operator's slip would: nobody who is known may
// become unknown, and core makes the bucket whole again.
import { setTimeout as sleep } from "node:timers/promises";
import { buckets } from "@mio/shared/bus/names/streams.ts";
import type { NatsConnection } from "nats";
import type { Scenario } from "../scenario.ts";

const healsWithinMs = 15_000;
const stream = `KV_${buckets.directory.name}`;

export const directoryWiped: Scenario = {
  key: "i",
  title: "the directory's bucket wiped",
  async run({ nats, load, progress, seconds }) {
    const findings: string[] = [];
    const before = await keysOf(nats);
    for (const [how, wipe] of [
      ["purged", purge],
      ["deleted key by key", deleteKeys],
    ] as const) {
      await wipe(nats);
      progress(`the directory is ${how}: ${before.length} keys are gone`);
      const healedMs = await healed(nats, before);
      if (healedMs === undefined) findings.push(`the directory was ${how} and not whole again within ${healsWithinMs / 1000} s`);
      else progress(`whole again after ${Math.round(healedMs)} ms`);
      await seconds(10);
    }
    const statuses = load.report().messages.flatMap((message) => message.answers.map((answer) => answer.status));
    for (const status of [401, 404]) {
      const count = statuses.filter((each) => each === status).length;
      if (count > 0) findings.push(`${count} webhooks were answered ${status}`);
    }
    return findings;
  },
};

async function purge(nats: NatsConnection): Promise<void> {
  await (await nats.jetstreamManager()).streams.purge(stream);
}

async function deleteKeys(nats: NatsConnection): Promise<void> {
  const kv = await nats.jetstream().views.kv(buckets.directory.name, { bindOnly: true });
  for (const key of await keysOf(nats)) await kv.delete(key);
}

/** The live keys, sorted. */
async function keysOf(nats: NatsConnection): Promise<string[]> {
  const kv = await nats.jetstream().views.kv(buckets.directory.name, { bindOnly: true });
  const keys: string[] = [];
  for await (const key of await kv.keys()) keys.push(key);
  return keys.sort();
}

/** How long until every key of before is live again; undefined when that took too long. */
async function healed(nats: NatsConnection, before: readonly string[]): Promise<number | undefined> {
  const startMs = performance.now();
  while (performance.now() - startMs < healsWithinMs) {
    const now = new Set(await keysOf(nats));
    if (before.every((key) => now.has(key))) return performance.now() - startMs;
    await sleep(100);
  }
  return undefined;
}
