// A batch of ingress records becomes messages on mio.inbound, each once and in order. Insert keys (seen), publish fenced, mark
// (published), and only then may the position move: a crash between any two of these is finished by the next reader.
//
// Why this is right:
//  1. A record is finished only when each of its events is published and marked. Records of a partition are taken in order, so when a
//     retry of an event arrives in a later batch, its first sighting is marked, and the retry is a duplicate. Within one batch the
//     first sighting of a key publishes for all; the batch is finished as a whole.
//  2. A key that is known and unpublished is therefore, almost always, our own record again (after a crash, or beside an owner that was
//     paused): its row carries our own origin. It is published under that origin: if the earlier attempt did succeed, the conversation's
//     last message has an origin at or past ours, because messages of a conversation are published in the order of their origins.
//  3. A key that is known and unpublished from another origin is rare: its record left the stream before it was finished, the positions
//     were reset, or its conversation moved to another shard. Neither origin proves anything then. Under the first one, later messages
//     of the conversation would make it look published (lost); under ours, it could be published twice. So the subject is searched for
//     the event's own message id from the row's age on, and only what is not there is published: under our present origin, since
//     origins must grow along the subject. The same holds for a key of an ingress stream that was deleted and recreated since: its
//     origin counts in another stream. And behind another stream's message no origin proves anything, so the subject is searched too.
//     Nor behind another partition's: after a move, an edge that was cut off may still bring a conversation's events in its old partition
//     while another edge's go on in the new one, and each is read at its own pace.
//  4. Order: one lane per conversation, in the order of the records, and a lane stops at its first failure. A second owner starts at the
//     committed position, so it meets every unfinished event before a later one; the fence lets each of the two write only behind the
//     message that it last looked at, and never an origin that is at or past.
import type { Bus } from "@mio/shared/bus/client/connection.ts";
import { compareOrigins, traceparentHeader } from "@mio/shared/bus/names/headers.ts";
import { type Task, TryAgain } from "@mio/shared/bus/read/work.ts";
import { publishDeadLetter, publishKept } from "@mio/shared/bus/write/dead-letter.ts";
import type { FencedPublisher } from "@mio/shared/bus/write/fenced-publish.ts";
import type { Pool } from "pg";
import type { ServiceContext } from "../service.ts";
import { noteClosings } from "./closings.ts";
import type { NoteEdges } from "./edges.ts";
import { insertKeys, type KnownKey, markPublished } from "./keys.ts";
import type { PlannedEvent, PlannedItem } from "./plan.ts";

type EventOutcome = "published" | "already_published" | "duplicate" | "dead_letter" | "quarantined";

export interface BatchTools {
  bus: Bus;
  db: Pool;
  publisher: FencedPublisher;
  noteEdges: NoteEdges;
  checkpoint: ServiceContext["checkpoint"];
  /** Once per item, when it is decided. */
  settled(item: Exclude<PlannedItem, { kind: "closing" }>, outcome: EventOutcome): void;
}

/** Conversations that are published side by side. */
const lanesMax = 256;

interface Published {
  event: PlannedEvent;
  inboundSequence: number | undefined;
  outcome: EventOutcome;
}

/** Resolves when everything in the batch is done. Throws TryAgain when not; what was published is marked all the same. */
export async function settleBatch(items: readonly PlannedItem[], tools: BatchTools, task: Task): Promise<void> {
  await keepUnpublishable(items, tools);

  const { first, repeats } = byKey(items);
  await tools.noteEdges(first);
  const known = await insertKeys(
    tools.db,
    first.map((event) => event.key),
  );
  await tools.checkpoint("dedup.keys_inserted");

  const open: { event: PlannedEvent; known: KnownKey }[] = [];
  for (const [index, event] of first.entries()) {
    const state = known[index];
    if (state?.published === false) open.push({ event, known: state });
    else tools.settled(event, "duplicate");
  }
  const { published, failures } = await publishLanes(open, tools, task);
  await tools.checkpoint("dedup.published");

  await markPublished(
    tools.db,
    published.map(({ event, inboundSequence }) => ({ ...event.key, inboundSequence })),
  );
  await tools.checkpoint("dedup.marked");
  for (const { event, outcome } of published) tools.settled(event, outcome);
  if (failures.length > 0)
    throw failures[0] instanceof TryAgain
      ? failures[0]
      : new TryAgain("not everything could be published", { cause: failures[0] });
  for (const event of repeats) tools.settled(event, "duplicate");
  // Behind everything that came before them, in this batch as well: whoever reads them gives those conversations to other partitions.
  await noteClosings(
    tools.db,
    items.filter((item) => item.kind === "closing"),
  );
}

/** Quarantine entries and dead letters: each on a subject of its own that takes one message, so a repeat changes nothing. */
async function keepUnpublishable(items: readonly PlannedItem[], tools: BatchTools): Promise<void> {
  for (const item of items) {
    if (item.kind === "dead_letter") {
      await publishDeadLetter(tools.bus, item.deadLetter);
      tools.settled(item, "dead_letter");
    } else if (item.kind === "quarantine") {
      await publishKept(tools.bus, item.subject, item.data, {});
      tools.settled(item, "quarantined");
    }
  }
}

function byKey(items: readonly PlannedItem[]): { first: PlannedEvent[]; repeats: PlannedEvent[] } {
  const first = new Map<string, PlannedEvent>();
  const repeats: PlannedEvent[] = [];
  for (const item of items) {
    if (item.kind !== "event") continue;
    const { eventDay, accountId, sourceMessageId } = item.key;
    const key = `${eventDay} ${accountId} ${sourceMessageId}`;
    if (first.has(key)) repeats.push(item);
    else first.set(key, item);
  }
  return { first: [...first.values()], repeats };
}

/** One lane per conversation, each in order; a lane stops at its first failure, the others go on. */
async function publishLanes(
  open: readonly { event: PlannedEvent; known: KnownKey }[],
  tools: BatchTools,
  task: Task,
): Promise<{ published: Published[]; failures: unknown[] }> {
  const lanes = [...Map.groupBy(open, ({ event }) => event.subject).values()];
  const published: Published[] = [];
  const failures: unknown[] = [];
  const takeLanes = async () => {
    for (let lane = lanes.shift(); lane !== undefined; lane = lanes.shift()) {
      try {
        for (const { event, known } of lane) published.push(await publishEvent(event, known, tools, task));
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanesMax, lanes.length) }, takeLanes));
  return { published, failures };
}

async function publishEvent(event: PlannedEvent, known: KnownKey, tools: BatchTools, task: Task): Promise<Published> {
  const seenElsewhere = compareOrigins(known.origin, event.key.origin) !== 0;
  const outcome = await tools.publisher.publish({
    subject: event.subject,
    data: event.data,
    messageId: event.brokerId,
    origin: event.key.origin,
    partition: task.partition,
    owned: task.owned,
    notBeforeMs: known.seenAtMs,
    ...(event.traceparent === "" ? {} : { headers: { [traceparentHeader]: event.traceparent } }),
    ...(seenElsewhere ? { seenElsewhereSinceMs: known.seenAtMs } : {}),
  });
  switch (outcome.kind) {
    case "published":
    case "already_published":
      return { event, inboundSequence: outcome.sequence, outcome: outcome.kind };
    case "too_large":
      await publishDeadLetter(tools.bus, {
        ...event.deadLetter,
        reason: "the message is larger than the stream or the server takes",
      });
      return { event, inboundSequence: undefined, outcome: "dead_letter" };
    case "lost_ownership":
      throw new TryAgain(`partition ${task.partition} may belong to another owner`);
  }
}
