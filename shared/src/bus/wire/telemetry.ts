// What the edge reports to core about itself, as bytes, and the fixed lists that bound its labels: without them anybody who sends requests
// could make any number of time series. Everything in a message that was read is within these lists and bounds.
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type EdgeTelemetry,
  EdgeTelemetrySchema,
  type RequestTelemetry,
  type TelemetryHistogram,
} from "@mio/proto/gen/mio/edge/v1/telemetry_pb.ts";
import { decodeVersioned, edgeVersion, type Unreadable } from "./ingress-group.ts";

/** Upper bounds of durations, in seconds. A platform waits about 3; a client that is slow to send is cut off after 10. */
export const durationBoundsSeconds: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3, 10];
/** Upper bounds of a group's events. */
export const groupEventsBounds: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/** What a person may be told who comes back from a platform's consent page. */
const oauthOutcomes = [
  "connected",
  "denied",
  "expired",
  "used",
  "unknown",
  "in_progress",
  "rejected",
  "taken",
  "not_offered",
  "core_away",
  "unavailable",
  "not_known_yet",
  "bad_request",
  "method",
] as const;
export type OAuthOutcome = (typeof oauthOutcomes)[number];

/** What may become of a request. One that an edge of tomorrow knows is `other` today. */
export const requestOutcomes = [
  "accepted",
  "ignored",
  "quarantined",
  "handshake",
  "refused",
  "unknown_url",
  "unknown_channel",
  "too_large",
  "too_slow",
  "cut_short",
  "not_loaded",
  "moving",
  "unavailable",
  "failed",
  ...oauthOutcomes.map((outcome) => `oauth_${outcome}` as const),
  "other",
] as const;
export type RequestOutcome = (typeof requestOutcomes)[number];

/**
 * How the bus looks from one uplink. `away`: no connection. `silent`: connected, but nothing answered the last try. `refusing`: it answers
 * no, a full stream for example. `slow`: acknowledgements come, but later than a webhook can wait. `answering`: all is well.
 */
const busStates = ["away", "silent", "refusing", "slow", "answering"] as const;
export type BusState = (typeof busStates)[number];

/** The channel of a request whose path names none. */
export const unknownChannel = "unknown";
export const otherLabel = "other";

const httpStatuses = new Set([
  200, 201, 202, 204, 400, 401, 403, 404, 405, 408, 409, 410, 413, 415, 422, 429, 500, 501, 502, 503, 504,
]);

/** The value of the label `http_status`. */
export function httpStatusLabel(status: number): string {
  return httpStatuses.has(status) ? String(status) : otherLabel;
}

/** The value of the label `outcome`. */
export function outcomeLabel(outcome: string): RequestOutcome {
  return requestOutcomes.find((each) => each === outcome) ?? otherLabel;
}

/** The value of the label `bus`. */
export function busLabel(bus: string): BusState | typeof otherLabel {
  return busStates.find((each) => each === bus) ?? otherLabel;
}

/** Combinations of labels in one message, and in what waits to be reported; 40 channels with all that may happen to them fit. */
export const requestKindsMax = 1_024;
/** One message; far below what the server takes, and above what `requestKindsMax` can need. */
export const telemetryBytesMax = 256 * 1024;
/** A sum of seconds or events that no honest edge reaches in an outage of days. */
const sumMax = 1e12;
/** A count is 32 bits on the wire: what is over stays at the most. */
export const countMax = 2 ** 32 - 1;

export type DecodedTelemetry = { kind: "telemetry"; telemetry: EdgeTelemetry } | Unreadable;

/** Sets our version. Throws when it does not fit `telemetryBytesMax`. */
export function encodeTelemetry(telemetry: MessageInitShape<typeof EdgeTelemetrySchema>): Uint8Array<ArrayBuffer> {
  const bytes = toBinary(EdgeTelemetrySchema, create(EdgeTelemetrySchema, { ...telemetry, version: edgeVersion }));
  if (bytes.length > telemetryBytesMax) throw new Error(`telemetry is not sent: ${bytes.length} bytes`);
  return bytes;
}

/** Never throws. A histogram with other bounds than ours, or a sum that is no number, is undecodable: it would spoil what it is added to. */
export function decodeTelemetry(bytes: Uint8Array): DecodedTelemetry {
  if (bytes.length > telemetryBytesMax) return { kind: "undecodable", reason: "too large" };
  const decoded = decodeVersioned(EdgeTelemetrySchema, bytes);
  if (decoded.kind !== "decoded") return decoded;
  const telemetry = decoded.value;
  if (telemetry.requests.length > requestKindsMax) return { kind: "undecodable", reason: "too many kinds of requests" };
  const { publishSeconds, groupEvents } = telemetry.uplink ?? {};
  const sound =
    telemetry.requests.every((each) => isSound(each.durationSeconds, durationBoundsSeconds)) &&
    (publishSeconds === undefined || isSound(publishSeconds, durationBoundsSeconds)) &&
    (groupEvents === undefined || isSound(groupEvents, groupEventsBounds));
  return sound ? { kind: "telemetry", telemetry } : { kind: "undecodable", reason: "a histogram that is none" };
}

/** How many requests ended so. */
export function requestsOf({ durationSeconds }: RequestTelemetry): number {
  return (durationSeconds?.counts ?? []).reduce((sum, count) => sum + count, 0);
}

function isSound(histogram: TelemetryHistogram | undefined, bounds: readonly number[]): boolean {
  if (histogram?.counts.length !== bounds.length + 1) return false;
  return histogram.sum >= 0 && histogram.sum <= sumMax;
}
