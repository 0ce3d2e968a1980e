// Waits until the broker has forgotten the message ids of all that a stream holds: only then a test proves that something else than the
// dedupe window keeps messages from appearing twice. The broker is asked, for its clock decides and not ours.
import { randomUUID } from "node:crypto";
import { eventually } from "../time/eventually.ts";
import type { NatsConnection } from "./client.ts";

/** `subject` is one of the stream's on which nobody else publishes; nothing of the question stays there. */
export async function dedupeWindowPassed(nats: NatsConnection, stream: string, subject: string): Promise<void> {
  const msgID = randomUUID();
  const isKnown = async () => (await nats.jetstream().publish(subject, "", { msgID })).duplicate;
  await isKnown();
  // Ids are forgotten in the order in which they came, so all before this one are forgotten with it.
  await eventually("the broker to forget message ids", async () => !(await isKnown()));
  await (await nats.jetstreamManager()).streams.purge(stream, { filter: subject });
}
