// The last sequence of a stream, as an agent may ask for it: a consumer that wants only what is new starts after it, and says so. An
// agent may not read a stream's state, which names the conversations of others.
import { type Bus, inboxOf, nameOf } from "@mio/shared/bus/client/connection.ts";
import { apiRequest } from "@mio/shared/bus/client/jetstream-api.ts";
import * as v from "valibot";

/** The consumer delivers to nobody and is forgotten after this. */
const inactiveMs = 1_000;
const answer = v.object({ delivered: v.object({ stream_seq: v.number() }) });

/** `filter` is one that the agent may read. A replica that is late may answer a little less than is true. */
export async function lastSequenceSeen(bus: Bus, stream: string, filter: string): Promise<number> {
  const name = nameOf(bus);
  const config = {
    name,
    deliver_subject: inboxOf(bus),
    deliver_policy: "new",
    filter_subject: filter,
    ack_policy: "none",
    max_deliver: 1,
    inactive_threshold: inactiveMs * 1_000_000,
    mem_storage: true,
    num_replicas: 1,
  };
  const what = `CONSUMER.CREATE.${stream}.${name}.${filter}`;
  return (await apiRequest(bus, what, { stream_name: stream, config, action: "create" }, answer)).delivered.stream_seq;
}
