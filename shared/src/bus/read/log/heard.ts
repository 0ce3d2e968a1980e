// What one message says that an ordered consumer has sent. Pure: a delivery is only good when it is the one that comes next, and a heartbeat
// tells of deliveries that never arrived.
import type { BusMessage } from "../../client/connection.ts";
import { type Place, placeOf } from "../../client/delivery.ts";

export type Heard =
  | { kind: "delivery"; place: Place }
  | { kind: "flow_control"; reply: string }
  /** `stalled`: it waits for this answer, in case the request was lost. `reached`: the stream's last sequence for which nothing more comes, or 0. */
  | { kind: "heartbeat"; stalled: string | undefined; reached: number }
  /** Something was lost on the way, or did not come from this consumer: it must be made anew. `stalled` as above. */
  | { kind: "hole"; stalled: string | undefined };

const controlCode = 100;

/** `delivered`: how many deliveries of this consumer have arrived. */
export function heardOf(message: BusMessage, delivered: number): Heard {
  const { headers } = message;
  if (headers?.code !== controlCode || message.data.length > 0) {
    const place = placeOf(message);
    return place?.delivery === delivered + 1 ? { kind: "delivery", place } : { kind: "hole", stalled: undefined };
  }
  if (message.reply) return { kind: "flow_control", reply: message.reply };
  const stalled = headers.get("Nats-Consumer-Stalled") || undefined;
  if (Number(headers.get("Nats-Last-Consumer")) > delivered) return { kind: "hole", stalled };
  return { kind: "heartbeat", stalled, reached: Number(headers.get("Nats-Last-Stream")) || 0 };
}
