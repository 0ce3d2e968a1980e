// What writing once costs: fenced publishes (expected last sequence of the subject, message id, origin) beside plain ones.

import type { Bus } from "@mio/shared/bus/client/connection.ts";
import { publishAcked } from "@mio/shared/bus/client/jetstream-api.ts";
import { createFencedPublisher } from "@mio/shared/bus/write/fenced-publish.ts";
import { clockOf } from "@mio/shared/clock.ts";
import { randomOf } from "@mio/shared/random.ts";
import { headers } from "../kit/bus/client.ts";
import { connectTo } from "../kit/bus/connection.ts";
import { testNats } from "../kit/bus/nats.ts";
import { measure, printTable, row } from "./measure.ts";

const subjects = 2_048;
const bodyBytes = 1_024;
const concurrency = 256;

export async function benchFence(seconds: number): Promise<void> {
  await using server = await testNats();
  const nats = await connectTo(server.url);
  const bus: Bus = {
    connection: nats,
    headers,
    inboxPrefix: "_INBOX",
    clock: clockOf(globalThis),
    random: randomOf(globalThis.crypto),
  };
  const manager = await nats.jetstreamManager();
  for (const name of ["PLAIN", "FENCED"])
    await manager.streams.add({ name, subjects: [`bench.${name.toLowerCase()}.>`], allow_direct: true });
  const body = new Uint8Array(bodyBytes).fill(120);

  const plain = await measure({ concurrency, seconds }, async (index) => {
    const ack = await publishAcked(bus, `bench.plain.${index % subjects}`, body, { timeoutMs: 5_000, messageId: `p:${index}` });
    if (ack.kind !== "stored") throw new Error(`a plain publish was ${ack.kind}`);
  });
  const publisher = createFencedPublisher(bus, { stream: "FENCED" });
  const fenced = await measure({ concurrency, seconds }, async (index) => {
    const origin = { streamEpochMs: 1, sequence: index + 1, index: 0 };
    const outcome = await publisher.publish({
      subject: `bench.fenced.${index % subjects}`,
      data: body,
      messageId: `f:${index}`,
      origin,
      owned: () => true,
    });
    if (outcome.kind !== "published") throw new Error(`a fenced publish was ${outcome.kind}`);
  });
  await nats.close();
  printTable(
    `Writing once: ${bodyBytes} bytes, ${subjects} subjects, ${concurrency} in flight, file storage`,
    ["publish", "per second", "p50 ms", "p99 ms", "max ms", "of plain"],
    [row("plain, with message id", plain), row("fenced", fenced, plain)],
  );
  const costMicroseconds = 1e6 / fenced.perSecond - 1e6 / plain.perSecond;
  console.log(`  a fence costs ${costMicroseconds.toFixed(1)} µs a message (one process, two cores shared with the server)`);
}
