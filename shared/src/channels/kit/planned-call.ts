// What the calls that a door has planned have in common: their payload was written by the door, and an edit may be made twice.
import * as v from "valibot";
import { DeliveryError, type PlannedCall } from "../contract/outbound.ts";

/** Throws a DeliveryError when the payload is not one that this door writes. */
export function payloadOf<Schema extends v.GenericSchema>(schema: Schema, call: PlannedCall): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, call.payload);
  if (!parsed.success)
    throw new DeliveryError("rejected", "call_malformed", `not a call that this channel planned: ${call.action}`);
  return parsed.output;
}

/** Throws it again; an edit of unknown outcome as one that may simply be made again, for it shows nothing twice. */
export function repeatable(cause: unknown): never {
  if (!(cause instanceof DeliveryError) || cause.kind !== "unknown") throw cause;
  throw new DeliveryError("unavailable", cause.code, cause.message, { cause });
}
