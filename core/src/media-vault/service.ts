// media-vault: inbound -> enriched. Reads the inbound stream as a log, partitioned by conversation, one lane per conversation, and
// publishes each message once more with what became of its attachments. Fetching them has its place in attachments.ts.

import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Message } from "@mio/proto/gen/mio/v1/message_pb.ts";
import type { Bus } from "@mio/shared/bus/client/connection.ts";
import { enrichedMessageId, traceparentHeader } from "@mio/shared/bus/names/headers.ts";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { type ConversationSubject, conversationSubjects, parseSubject, subjectOf } from "@mio/shared/bus/names/subjects.ts";
import { traceIdOf } from "@mio/shared/bus/names/trace.ts";
import { createLanes } from "@mio/shared/bus/read/lanes.ts";
import type { LogRecord } from "@mio/shared/bus/read/log-source.ts";
import { type Task, TryAgain } from "@mio/shared/bus/read/work.ts";
import { decodeMessage, disagreementWithSubject } from "@mio/shared/bus/wire/envelope.ts";
import { publishDeadLetter } from "@mio/shared/bus/write/dead-letter.ts";
import { createFencedPublisher, type FencedPublisher } from "@mio/shared/bus/write/fenced-publish.ts";
import { partitionOf } from "@mio/shared/ids.ts";
import { snakeCase } from "@mio/shared/snake-case.ts";
import { Counter } from "prom-client";
import { busOf } from "../bus/connect.ts";
import { createLogService } from "../bus/log-service.ts";
import type { Service, ServiceContext } from "../service.ts";
import { withStoredAttachments } from "./attachments.ts";

export const mediaVault: Service = { name: "media-vault", run };

const stream = streams.inbound.name;
const inboundSubjects = conversationSubjects("inbound");

/** What handling one message takes. */
interface Vault {
  bus: Bus;
  publisher: FencedPublisher;
  context: ServiceContext;
  enriched: Counter<"outcome">;
}

async function run(context: ServiceContext): Promise<void> {
  const { log, clock, random, config } = context;
  const bus = busOf(context);
  const publisher = createFencedPublisher(bus, { stream: streams.enriched.name });
  const enriched = new Counter({
    name: "mio_media_vault_messages_total",
    help: "Messages that media-vault has finished, by what became of them.",
    labelNames: ["outcome"],
    registers: [context.metrics],
  });
  const vault: Vault = { bus, publisher, context, enriched };

  const service = createLogService(context, {
    name: "media-vault",
    stream,
    input: "inbound",
    records: "messages",
    partitions: () => Array.from({ length: config.partitions }, (_, partition) => String(partition)),
    filterOf: () => inboundSubjects,
    // What is not of the grammar has no conversation; some partition must still give it to the dead letters.
    partitionOf: (record) => String(partitionOf(laneOf(record), config.partitions)),
    work: (work) =>
      createLanes(
        {
          laneOf,
          handle: (record, task) => handle(record, task, vault),
          park: (record, error) =>
            keepDeadLetter(vault, record, `handling it failed: ${error instanceof Error ? error.message : "unknown"}`),
          clock,
          random,
          backoff: { startMs: 50, maxMs: 2_000 },
          onFailure: (error, record, attempt) =>
            log.warn({ sequence: record.sequence, attempt, err: error }, "a message is tried again"),
        },
        work,
      ),
    status: () => ({ publisher: snakeCase(publisher.stats) }),
  });
  await service.run();
}

async function handle(record: LogRecord, task: Task, vault: Vault): Promise<void> {
  const { clock } = vault.context;
  const startedMs = clock.monotonicMs();
  const read = readMessage(record);
  if (read.kind === "dead") return keepDeadLetter(vault, record, read.reason, read.message);
  const { message, place } = read;

  const data = await withStoredAttachments(message, record.data, task.signal);
  const traceparent = record.headers?.get(traceparentHeader);
  const outcome = await vault.publisher
    .publish({
      subject: subjectOf({ ...place, direction: "inbound_enriched" }),
      data,
      messageId: enrichedMessageId(message.id),
      origin: { streamEpochMs: record.streamEpochMs, sequence: record.sequence, index: 0 },
      // No table knows what was published, as it does in dedup: behind another stream's message only the subject itself can tell.
      notBeforeMs: message.receivedAt ? timestampMs(message.receivedAt) : 0,
      owned: task.owned,
      ...(traceparent ? { headers: { [traceparentHeader]: traceparent } } : {}),
    })
    .catch((error: unknown) => {
      throw new TryAgain("the enriched stream took no message", { cause: error });
    });
  if (outcome.kind === "lost_ownership") throw new TryAgain(`partition ${task.partition} may belong to another owner`);
  if (outcome.kind === "too_large")
    return keepDeadLetter(vault, record, "the enriched message is larger than the stream or the server takes", message);
  vault.enriched.inc({ outcome: outcome.kind });
  const { id, channelType, accountId, conversationId } = message;
  vault.context.log.info(
    {
      channel_type: channelType,
      account_id: accountId,
      conversation_id: conversationId,
      message_id: id,
      trace_id: traceIdOf(traceparent),
      outcome: outcome.kind,
      duration_ms: Math.round(clock.monotonicMs() - startedMs),
    },
    "enriched",
  );
}

type ReadMessage =
  | { kind: "message"; message: Message; place: ConversationSubject }
  | { kind: "dead"; reason: string; message?: Message };

function readMessage(record: LogRecord): ReadMessage {
  const decoded = decodeMessage(record.data);
  if (decoded.kind === "undecodable") return { kind: "dead", reason: `the message cannot be decoded: ${decoded.reason}` };
  if (decoded.kind === "other_version") return { kind: "dead", reason: `the message has schema_version ${decoded.version}` };
  const { message } = decoded;
  const reason = disagreementWithSubject(message, record.subject);
  const place = parseSubject(record.subject);
  if (reason !== undefined || !place)
    return { kind: "dead", reason: `the message is at odds with its subject: ${reason}`, message };
  return { kind: "message", message, place };
}

/** The scopes are the message's own where it could be read, else what its subject says. */
async function keepDeadLetter(
  { bus, context, enriched }: Vault,
  record: LogRecord,
  reason: string,
  message?: Message,
): Promise<void> {
  const { accountId = "", conversationId = "" } = message ?? parseSubject(record.subject) ?? {};
  const scopes = {
    accountId,
    conversationId,
    tenantId: message?.tenantId ?? "",
    senderExternalId: message?.sender?.externalId ?? "",
  };
  await publishDeadLetter(bus, {
    service: "media-vault",
    stream,
    streamEpochMs: record.streamEpochMs,
    sequence: record.sequence,
    subject: record.subject,
    reason,
    data: record.data,
    scopes,
  }).catch((error: unknown) => {
    throw new TryAgain("the dead letter was not taken", { cause: error });
  });
  enriched.inc({ outcome: "dead_letter" });
  context.log.warn({ sequence: record.sequence, reason }, "dead letter");
}

/** The conversation; for what is not of the grammar, its whole subject. */
function laneOf(record: LogRecord): string {
  return parseSubject(record.subject)?.conversationId ?? record.subject;
}
