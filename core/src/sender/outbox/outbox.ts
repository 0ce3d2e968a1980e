// From decided to published: one publisher by lease takes what the outbox holds to the bus, in order a conversation, each fact once. It numbers
// the facts itself, so that the origin grows on each subject in the order of publication; the broker refuses a publisher that was replaced.

import { traceparentHeader } from "@mio/shared/bus/names/headers.ts";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { encodeReceipt } from "@mio/shared/bus/wire/envelope.ts";
import { publishDeadLetter } from "@mio/shared/bus/write/dead-letter.ts";
import { createFencedPublisher, type FencedPublisher } from "@mio/shared/bus/write/fenced-publish.ts";
import type { Pool } from "pg";
import * as v from "valibot";
import { busOf } from "../../bus/connect.ts";
import type { ServiceContext } from "../../service.ts";
import { type Lease, leaseCte, leaseValues } from "../lease/lease.ts";
import type { Notifier } from "../lease/wake.ts";
import { receiptId, receiptOf } from "./receipt.ts";

export interface OutboxStatus {
  publisher: boolean;
  published: number;
  /** Subjects whose last publish failed, waiting for the next try. */
  failing: number;
}

/** At most the increment of sender_publish_sequence. */
const claimMax = 1000;
const roundMax = 400;
const pollMs = 2_000;
const retryMs = 1_000;

/** Publishes until the lease or the service ends. */
export async function runOutbox(context: ServiceContext, lease: Lease, notifier: Notifier, status: OutboxStatus): Promise<void> {
  const signal = AbortSignal.any([context.signal, lease.signal]);
  const bus = busOf(context);
  const publisher = createFencedPublisher(bus, { stream: streams.receipt.name });
  /** Subjects that failed, and when to try them again. All other facts of such a subject wait too, or order would be lost. */
  const failing = new Map<string, number>();
  status.publisher = true;
  try {
    while (!signal.aborted) {
      const published = await round().catch((error: unknown) => {
        context.log.warn({ err: error }, "the outbox waits");
        return 0;
      });
      if (published === 0) await notifier.wait(failing.size > 0 ? retryMs : pollMs, signal);
    }
  } finally {
    status.publisher = false;
  }

  /** At most `roundMax` facts; how many were published. */
  async function round(): Promise<number> {
    const nowMs = context.clock.monotonicMs();
    for (const [subject, untilMs] of failing) if (untilMs <= nowMs) failing.delete(subject);
    await numberFacts(context.db, lease);
    const facts = await readFacts(context.db, [...failing.keys()]);
    const bySubject = Map.groupBy(facts, (fact) => fact.subject);
    const published: string[] = [];
    await Promise.all([...bySubject].map(([subject, ofSubject]) => publishInOrder(subject, ofSubject, published)));
    status.failing = failing.size;
    if (published.length === 0) return 0;
    await context.checkpoint("sender.receipt_published");
    await markPublished(context.db, published);
    status.published += published.length;
    return published.length;
  }

  async function publishInOrder(subject: string, facts: readonly Fact[], published: string[]): Promise<void> {
    for (const fact of facts) {
      if (signal.aborted) return;
      try {
        const done = fact.kind === "dead_letter" ? await publishAsDeadLetter(fact) : await publishReceipt(publisher, fact, lease);
        if (!done) return;
        published.push(fact.id);
      } catch (error) {
        failing.set(subject, context.clock.monotonicMs() + retryMs);
        context.log.warn({ err: error, command_id: fact.commandId }, "a receipt could not be published; it stays in the outbox");
        return;
      }
    }
  }

  async function publishAsDeadLetter(fact: Fact): Promise<boolean> {
    const { tenantId, accountId, conversationId } = fact;
    await publishDeadLetter(bus, {
      service: "sender",
      stream: streams.outbound.name,
      sequence: fact.streamSequence,
      subject: fact.subject,
      reason: `${fact.errorCode}: ${fact.errorText}`,
      data: fact.content ?? new Uint8Array(0),
      scopes: { tenantId, accountId, conversationId },
    });
    return true;
  }
}

/** False when somebody else is the publisher now. */
async function publishReceipt(publisher: FencedPublisher, fact: Fact, lease: Lease): Promise<boolean> {
  if (fact.kind === "dead_letter") return false;
  const receipt = receiptOf({ ...fact, kind: fact.kind });
  const message = {
    subject: fact.subject,
    messageId: receiptId({ ...fact, kind: fact.kind }),
    origin: { streamEpochMs: 0, sequence: fact.publishSequence, index: 0 },
    headers: fact.traceparent === "" ? {} : { [traceparentHeader]: fact.traceparent },
    owned: () => lease.held(),
  };
  const outcome = await publisher.publish({ ...message, data: encodeReceipt(receipt) });
  if (outcome.kind === "lost_ownership") return false;
  if (outcome.kind !== "too_large") return true;
  // The command itself is about as large as a message may be: the receipt then goes without it.
  const { command: _, ...rest } = receipt;
  const smaller = await publisher.publish({
    ...message,
    data: encodeReceipt({ ...rest, errorText: rest.errorText.slice(0, 200) }),
  });
  if (smaller.kind === "too_large") throw new Error("a receipt without its command is still too large");
  return smaller.kind !== "lost_ownership";
}

async function numberFacts(db: Pool, lease: Lease): Promise<void> {
  await db.query(
    `with ${leaseCte(1)},
     chosen as (
       select id, row_number() over (order by id) as place from (
         select id from sender_outbox where published_at is null and publish_sequence is null order by id limit ${claimMax}) as earliest
     ),
     block as materialized (select nextval('sender_publish_sequence') as first from held where exists (select from chosen))
     update sender_outbox o set publish_sequence = block.first + chosen.place - 1 from chosen, block where o.id = chosen.id`,
    leaseValues(lease),
  );
}

async function markPublished(db: Pool, ids: readonly string[]): Promise<void> {
  await db.query("update sender_outbox set published_at = now() where id = any($1::bigint[])", [ids]);
}

const factRow = v.object({
  id: v.string(),
  kind: v.picklist(["accepted", "final", "dead_letter"]),
  subject: v.string(),
  publish_sequence: v.string(),
  decided_at: v.date(),
  command_id: v.string(),
  tenant_id: v.string(),
  account_id: v.string(),
  channel_type: v.string(),
  conversation_id: v.string(),
  conversation_external_id: v.string(),
  stream_sequence: v.string(),
  state: v.string(),
  content: v.nullable(v.instance(Uint8Array)),
  external_ids: v.array(v.string()),
  message_ids: v.array(v.string()),
  attempts: v.number(),
  error_code: v.string(),
  error_text: v.string(),
  cause_message_id: v.string(),
  traceparent: v.string(),
});

type Fact = Awaited<ReturnType<typeof readFacts>>[number];

async function readFacts(db: Pool, without: readonly string[]) {
  const found = await db.query(
    `select o.id, o.kind, o.subject, o.publish_sequence, o.decided_at, c.id as command_id, c.tenant_id, c.account_id, c.channel_type,
       c.conversation_id, c.conversation_external_id, c.stream_sequence, c.state, case when o.kind <> 'final' then c.content end as content,
       c.external_ids, c.message_ids, c.attempts, c.error_code, c.error_text, c.cause_message_id, c.traceparent
     from sender_outbox o join sender_commands c on c.id = o.command_id
     where o.published_at is null and o.publish_sequence is not null and o.subject <> all($1)
     order by o.publish_sequence limit ${roundMax}`,
    [without],
  );
  return v.parse(v.array(factRow), found.rows).map((row) => ({
    id: row.id,
    kind: row.kind,
    subject: row.subject,
    publishSequence: Number(row.publish_sequence),
    decidedAt: row.decided_at,
    commandId: row.command_id,
    tenantId: row.tenant_id,
    accountId: row.account_id,
    channelType: row.channel_type,
    conversationId: row.conversation_id,
    conversationExternalId: row.conversation_external_id,
    streamSequence: Number(row.stream_sequence),
    state: row.state,
    content: row.content ?? undefined,
    externalIds: row.external_ids,
    messageIds: row.message_ids,
    attempts: row.attempts,
    errorCode: row.error_code,
    errorText: row.error_text,
    causeMessageId: row.cause_message_id,
    traceparent: row.traceparent,
  }));
}
