// Messages of an agent's accounts, in order within a conversation, shared by its replicas: the log reader with lanes. A message is
// finished when its handler returned, or once it stands among the dead letters.

import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Message } from "@mio/proto/gen/mio/v1/message_pb.ts";
import type { Bus } from "@mio/shared/bus/client/connection.ts";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { accountSubjects, parseSubject } from "@mio/shared/bus/names/subjects.ts";
import { busUserOf } from "@mio/shared/bus/names/users.ts";
import { createLanes } from "@mio/shared/bus/read/lanes.ts";
import { createLogReader } from "@mio/shared/bus/read/log-reader.ts";
import type { LogRecord } from "@mio/shared/bus/read/log-source.ts";
import { createSlots } from "@mio/shared/bus/read/slots.ts";
import { type Task, TryAgain } from "@mio/shared/bus/read/work.ts";
import { decodeMessage, disagreementWithSubject } from "@mio/shared/bus/wire/envelope.ts";
import { publishDeadLetter } from "@mio/shared/bus/write/dead-letter.ts";
import { type AccountId, partitionOf } from "@mio/shared/ids.ts";
import { bytesToHex } from "@noble/hashes/utils.js";
import { type Handling, handlingOf, ParkMessage } from "./handling.ts";
import { lastSequenceSeen } from "./last-sequence.ts";

/** Partitions of one account. The same for all replicas and versions of an agent, or two would share a conversation. */
const partitionsPerAccount = 8;
const attemptsDefault = 5;
const concurrencyDefault = 64;
const instanceBytes = 8;

export type Handler = (message: Message, handling: Handling) => Promise<void>;

export interface ConsumeOptions {
  /** Stops: takes nothing new, lets handlers finish for 10 s, gives its conversations to the other replicas. */
  signal: AbortSignal;
  /** Tries before a message is parked as a dead letter. 5 when left out. */
  attempts?: number;
  /** Handlers that run at once, over all conversations. 64 when left out. */
  concurrency?: number;
  /** What was received earlier (milliseconds since 1970) is passed over. The stream keeps seven days. */
  sinceMs?: number;
  /** A message was given up: after its attempts, or by ParkMessage. */
  onParked?: (message: Message, error: unknown) => void;
  /** Something does not go as it should, and is tried again: for logs. */
  onTrouble?: (error: unknown) => void;
}

export async function consumeMessages(
  bus: Bus,
  group: string,
  accounts: readonly AccountId[],
  handler: Handler,
  options: ConsumeOptions,
): Promise<void> {
  const trouble = options.onTrouble ?? (() => {});

  const filterOf = (account: string) => accountSubjects("inbound_enriched", account);
  const slots = createSlots(options.concurrency ?? concurrencyDefault);
  const reader = createLogReader(bus, {
    stream: streams.enriched.name,
    group,
    instance: bytesToHex(bus.random.bytes(instanceBytes)),
    partitions: () =>
      accounts.flatMap((account) => Array.from({ length: partitionsPerAccount }, (_, index) => `${account}.${index}`)),
    filterOf: (partition) => filterOf(partition.split(".")[0] ?? ""),
    partitionOf: partitionOfRecord,
    streamState: async () => ({
      lastSequence: await lastSequenceSeen(bus, streams.enriched.name, filterOf(accounts[0] ?? "")),
    }),
    work: (context) =>
      createLanes(
        {
          laneOf: (record) => record.subject,
          handle,
          park,
          clock: bus.clock,
          random: bus.random,
          attemptsMax: options.attempts ?? attemptsDefault,
          slots,
          onFailure: trouble,
        },
        context,
      ),
    events: {
      trouble,
      lostUnread: (filter, from, count) =>
        trouble(new Error(`${count} sequences from ${from} on left ${filter} before they were read`)),
      behind: (filter, wanted, reached) =>
        trouble(
          new Error(`${filter} ends at ${reached}, before the position ${wanted - 1}: its stream was recreated or restored`),
        ),
    },
  });
  await reader.run(options.signal);

  async function handle(record: LogRecord, task: Task): Promise<void> {
    const message = readable(record);
    if (message === undefined || receivedAtMs(message) < (options.sinceMs ?? 0)) return;
    try {
      await handler(message, handlingOf(bus, group, message, task.attempt, task.signal));
    } catch (error) {
      // A handler that was cut off has not failed: whoever owns the conversation next handles it again.
      if (task.signal.aborted) throw new TryAgain("the conversation was given to another replica", { cause: error });
      if (!(error instanceof ParkMessage)) throw error;
      await park(record, error, task);
    }
  }

  /** What cannot be read is told and passed over, never a crash: unknown versions must not stop an agent. */
  function readable(record: LogRecord): Message | undefined {
    const decoded = decodeMessage(record.data);
    if (decoded.kind !== "message") {
      trouble(new Error(`passed over sequence ${record.sequence}: ${decoded.kind}`));
      return undefined;
    }
    const disagreement = disagreementWithSubject(decoded.message, record.subject);
    if (disagreement === undefined) return decoded.message;
    trouble(new Error(`passed over sequence ${record.sequence}: ${disagreement}`));
    return undefined;
  }

  /** Under the message's place in the stream, so that it is kept once however often it is parked. */
  async function park(record: LogRecord, error: unknown, task: Task): Promise<void> {
    const message = readable(record);
    if (message === undefined) return;
    await publishDeadLetter(bus, {
      service: busUserOf({ role: "agent", name: group, accounts }),
      stream: streams.enriched.name,
      sequence: record.sequence,
      subject: record.subject,
      reason: reasonOf(error, task.attempt),
      data: record.data,
      scopes: {
        tenantId: message.tenantId,
        accountId: message.accountId,
        conversationId: message.conversationId,
        ...(message.sender ? { senderExternalId: message.sender.externalId } : {}),
      },
    });
    options.onParked?.(message, error);
  }
}

/** Only the kind of error: what a handler's error says may hold a person's text, and is told to onParked. */
function reasonOf(error: unknown, attempt: number): string {
  if (error instanceof ParkMessage) return `its handler parked it at attempt ${attempt}`;
  return `its handler failed ${attempt} times, at last with ${error instanceof Error ? error.name : typeof error}`;
}

function partitionOfRecord(record: LogRecord): string | undefined {
  const subject = parseSubject(record.subject);
  return subject && `${subject.accountId}.${partitionOf(subject.conversationId, partitionsPerAccount)}`;
}

function receivedAtMs(message: Message): number {
  return message.receivedAt ? timestampMs(message.receivedAt) : 0;
}
