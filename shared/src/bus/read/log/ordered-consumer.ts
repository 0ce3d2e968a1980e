// The consumer that a log is read with: on the own inbox, without acknowledgements, in the server's memory, and gone by itself when nobody
// listens. Nothing names it after this process ends.
import * as v from "valibot";
import { type Bus, inboxOf, nameOf } from "../../client/connection.ts";
import { apiRequest } from "../../client/jetstream-api.ts";

interface OrderedConsumer {
  name: string;
  /** It delivers nothing until somebody subscribes here. */
  inbox: string;
  /** Where it begins: later than asked for, where the stream begins later. */
  start: number;
}

/** The server forgets a consumer that nobody listens to after this. */
const inactiveMs = 30_000;
const openTimeoutMs = 3_000;
const nanosecondsPerMs = 1_000_000;

const consumerInfo = v.object({ delivered: v.object({ consumer_seq: v.number(), stream_seq: v.number() }) });

export async function createOrderedConsumer(
  bus: Bus,
  { stream, filter, from, heartbeatMs }: { stream: string; filter: string; from: number; heartbeatMs: number },
): Promise<OrderedConsumer> {
  const name = nameOf(bus);
  const inbox = inboxOf(bus);
  const config = {
    name,
    deliver_subject: inbox,
    deliver_policy: "by_start_sequence",
    opt_start_seq: from,
    filter_subject: filter,
    ack_policy: "none",
    max_deliver: 1,
    flow_control: true,
    idle_heartbeat: heartbeatMs * nanosecondsPerMs,
    inactive_threshold: inactiveMs * nanosecondsPerMs,
    mem_storage: true,
    num_replicas: 1,
  };
  // The filter stands in the request's subject, so permissions can hold it.
  const { delivered } = await apiRequest(
    bus,
    `CONSUMER.CREATE.${stream}.${name}.${filter}`,
    { stream_name: stream, config, action: "create" },
    consumerInfo,
    openTimeoutMs,
  );
  const begun = delivered.consumer_seq > 0;
  return { name, inbox, start: begun ? from : Math.max(from, delivered.stream_seq + 1) };
}
