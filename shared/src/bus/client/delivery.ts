// Where a delivered message stands in its stream and consumer: the subject that acknowledges it says so.
import type { BusMessage } from "./connection.ts";

export interface Place {
  /** Of the stream. */
  sequence: number;
  /** Of the consumer: each delivery has the next one. */
  delivery: number;
  storedAtMs: number;
  pending: number;
}

/** `$JS.ACK[.<domain>.<account>].<stream>.<consumer>.<tries>.<sequence>.<delivery>.<ns>.<pending>[.<token>]`; undefined for any other text. */
export function placeOf({ reply }: Pick<BusMessage, "reply">): Place | undefined {
  const tokens = reply?.split(".") ?? [];
  if (tokens[0] !== "$JS" || tokens[1] !== "ACK" || tokens.length < 9) return undefined;
  const at = tokens.length >= 11 ? 7 : 5;
  const [sequence, delivery, nanoseconds, pending] = tokens.slice(at, at + 4).map(Number);
  if (!sequence || !delivery || nanoseconds === undefined || pending === undefined) return undefined;
  return { sequence, delivery, storedAtMs: nanoseconds / 1_000_000, pending };
}
