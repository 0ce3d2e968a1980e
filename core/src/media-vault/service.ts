// media-vault: inbound -> enriched. Reads the inbound stream as a log, partitioned by conversation, one lane per conversation, and
// publishes each message once more with what became of its attachments. Fetching them has its place in attachments.ts.

import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Message } from "@mio/proto/gen/mio/v1/message_pb.ts";
import { streamStateOf } from "@mio/shared/bus/client/jetstream-api.ts";
import { enrichedMessageId, traceparentHeader } from "@mio/shared/bus/names/headers.ts";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { conversationSubjects, parseSubject, subjectOf } from "@mio/shared/bus/names/subjects.ts";
import { traceIdOf } from "@mio/shared/bus/names/trace.ts";
import { createLanes } from "@mio/shared/bus/read/lanes.ts";
import { createLogReader } from "@mio/shared/bus/read/log-reader.ts";
import type { LogRecord } from "@mio/shared/bus/read/log-source.ts";
import { ownershipTimes } from "@mio/shared/bus/read/ownership.ts";
import { type Task, TryAgain } from "@mio/shared/bus/read/work.ts";
import { decodeMessage, disagreementWithSubject } from "@mio/shared/bus/wire/envelope.ts";
import { publishDeadLetter } from "@mio/shared/bus/write/dead-letter.ts";
import { createFencedPublisher } from "@mio/shared/bus/write/fenced-publish.ts";
import { partitionOf } from "@mio/shared/ids.ts";
import { snakeCase } from "@mio/shared/snake-case.ts";
import { Counter } from "prom-client";
import { busOf } from "../bus/connect.ts";
import type { Service, ServiceContext } from "../service.ts";
import { withStoredAttachments } from "./attachments.ts";

export const mediaVault: Service = { name: "media-vault", run };

const inboundSubjects = conversationSubjects("inbound");

async function run(context: ServiceContext): Promise<void> {
  const { log, clock, random, config, signal } = context;
  const bus = busOf(context);
  const stream = streams.inbound.name;
  const publisher = createFencedPublisher(bus, { stream: streams.enriched.name });
  const state = { lost_unread: 0, stream_recreated: 0, alarms: new Map<string, string>() };
  const enriched = new Counter({
    name: "mio_media_vault_messages_total",
    help: "Messages that media-vault has finished, by what became of them.",
    labelNames: ["outcome"],
    registers: [context.metrics],
  });

  const reader = createLogReader(bus, {
    stream,
    group: "media-vault",
    instance: context.instance,
    partitions: () => Array.from({ length: config.partitions }, (_, partition) => String(partition)),
    filterOf: () => inboundSubjects,
    // What is not of the grammar has no conversation; some partition must still give it to the dead letters.
    partitionOf: (record) => String(partitionOf(laneOf(record), config.partitions)),
    streamState: () => streamStateOf(bus, stream),
    times: { ...ownershipTimes, ...config.ownership },
    work: (work) =>
      createLanes(
        {
          laneOf,
          handle,
          park: (record, error) =>
            keepDeadLetter(record, `handling it failed: ${error instanceof Error ? error.message : "unknown"}`),
          clock,
          random,
          backoff: { startMs: 50, maxMs: 2_000 },
          onFailure: (error, record, attempt) =>
            log.warn({ sequence: record.sequence, attempt, err: error }, "a message is tried again"),
        },
        work,
      ),
    events: {
      trouble: (error) => log.warn({ err: error }, "reading inbound"),
      gained: (partition, epoch) => log.info({ partition, epoch }, "partition claimed"),
      gone: (partition, reason) => {
        state.alarms.delete(partition);
        log.info({ partition, reason }, "partition gone");
      },
      lostUnread: (_filter, from, count) => {
        state.lost_unread += count;
        log.error({ from, count }, "inbound messages left the stream unread");
      },
      behind: (_filter, wanted, reached) => {
        // All partitions read the stream together, so all stand still, each until it goes or its position is reset.
        for (const { partition } of reader.status())
          state.alarms.set(partition, `the inbound stream ends at ${reached}, before our position ${wanted - 1}`);
        log.error({ wanted, reached }, "the inbound stream was restored; reset the positions of media-vault");
      },
      streamRecreated: (partition, position) => {
        state.stream_recreated += 1;
        log.error({ partition, position }, "the inbound stream was deleted and recreated; reading the new one from its start");
      },
    },
  });

  context.status("media_vault", () => ({
    partitions: reader.status(),
    lost_unread: state.lost_unread,
    stream_recreated: state.stream_recreated,
    alarms: Object.fromEntries(state.alarms),
    publisher: snakeCase(publisher.stats),
  }));
  context.readiness(() =>
    state.alarms.size === 0 ? undefined : `media-vault stands still: ${[...new Set(state.alarms.values())].join("; ")}`,
  );
  await reader.run(signal);

  async function handle(record: LogRecord, task: Task): Promise<void> {
    const startedMs = clock.monotonicMs();
    const decoded = decodeMessage(record.data);
    if (decoded.kind === "undecodable") return keepDeadLetter(record, `the message cannot be decoded: ${decoded.reason}`);
    if (decoded.kind === "other_version") return keepDeadLetter(record, `the message has schema_version ${decoded.version}`);
    const { message } = decoded;
    const reason = disagreementWithSubject(message, record.subject);
    const place = parseSubject(record.subject);
    if (reason !== undefined || !place)
      return keepDeadLetter(record, `the message is at odds with its subject: ${reason}`, message);

    const data = await withStoredAttachments(message, record.data, task.signal);
    const traceparent = record.headers?.get(traceparentHeader);
    const outcome = await publisher
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
      return keepDeadLetter(record, "the enriched message is larger than the stream or the server takes", message);
    enriched.inc({ outcome: outcome.kind });
    const { id, channelType, accountId, conversationId } = message;
    log.info(
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

  /** The scopes are the message's own where it could be read, else what its subject says. */
  async function keepDeadLetter(record: LogRecord, reason: string, message?: Message): Promise<void> {
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
    log.warn({ sequence: record.sequence, reason }, "dead letter");
  }
}

/** The conversation; for what is not of the grammar, its whole subject. */
function laneOf(record: LogRecord): string {
  return parseSubject(record.subject)?.conversationId ?? record.subject;
}
