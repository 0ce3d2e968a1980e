// What a hostile or a newer edge may say, and what of it becomes a label.
import { create, toBinary } from "@bufbuild/protobuf";
import { EdgeTelemetrySchema } from "@mio/proto/gen/mio/edge/v1/telemetry_pb.ts";
import { describe, expect, it } from "vitest";
import {
  decodeTelemetry,
  durationBoundsSeconds,
  encodeTelemetry,
  groupEventsBounds,
  httpStatusLabel,
  outcomeLabel,
  requestKindsMax,
  requestOutcomes,
  requestsOf,
  telemetryBytesMax,
} from "./telemetry.ts";

const counts = durationBoundsSeconds.map((_, index) => index);
const histogram = { counts: [...counts, 5], sum: 1.5 };
const request = { channelType: "alpha", outcome: "accepted", httpStatus: 200, durationSeconds: histogram };
const good = { region: "eu", shard: 1, instance: "i", sequence: 1n, requests: [request] };

describe("telemetry", () => {
  it("comes back as it went", () => {
    const decoded = decodeTelemetry(encodeTelemetry(good));
    expect(decoded).toMatchObject({ kind: "telemetry", telemetry: good });
    expect(decoded.kind === "telemetry" && decoded.telemetry.requests.map(requestsOf)).toEqual([71]);
  });

  it("refuses what would spoil what it is added to", () => {
    const bad: Record<string, Parameters<typeof encodeTelemetry>[0]> = {
      "a request without durations": { requests: [{ ...request, durationSeconds: undefined as never }] },
      "too few counts": { requests: [{ ...request, durationSeconds: { counts: [1], sum: 1 } }] },
      "too many counts": { requests: [{ ...request, durationSeconds: { counts: [...counts, 1, 1], sum: 1 } }] },
      "no number as sum": { requests: [{ ...request, durationSeconds: { ...histogram, sum: Number.NaN } }] },
      "an infinite sum": { requests: [{ ...request, durationSeconds: { ...histogram, sum: Number.POSITIVE_INFINITY } }] },
      "a sum that no durations have": { requests: [{ ...request, durationSeconds: { ...histogram, sum: 1e300 } }] },
      "a sum below 0": { requests: [{ ...request, durationSeconds: { ...histogram, sum: -1 } }] },
      "a group's counts with other bounds": { uplink: { groupEvents: { counts: counts.slice(0, 3), sum: 1 } } },
      "a publish's counts with other bounds": { uplink: { publishSeconds: { counts: [...groupEventsBounds, 1], sum: 1 } } },
      "too many kinds": { requests: Array.from({ length: requestKindsMax + 1 }, () => request) },
    };
    for (const [name, fields] of Object.entries(bad)) {
      const bytes = toBinary(EdgeTelemetrySchema, create(EdgeTelemetrySchema, { version: 1, ...fields }));
      expect([name, decodeTelemetry(bytes).kind]).toEqual([name, "undecodable"]);
    }
    expect(decodeTelemetry(new Uint8Array([0xff, 0xff])).kind).toBe("undecodable");
    expect(decodeTelemetry(new Uint8Array(telemetryBytesMax + 1))).toEqual({ kind: "undecodable", reason: "too large" });
    expect(decodeTelemetry(new Uint8Array()).kind).toBe("undecodable");
  });

  it("says that a newer version is newer", () => {
    const bytes = toBinary(EdgeTelemetrySchema, create(EdgeTelemetrySchema, { version: 2 }));
    expect(decodeTelemetry(bytes)).toEqual({ kind: "newer_version", version: 2 });
  });

  it("fits one message with as many kinds as it may have", () => {
    const requests = Array.from({ length: requestKindsMax }, (_, kind) => ({
      ...request,
      channelType: `a_channel_with_a_long_name_${kind}`,
      outcome: "oauth_not_known_yet",
      durationSeconds: { counts: [...counts.map(() => 2 ** 31), 2 ** 31], sum: 1e9 },
    }));
    expect(encodeTelemetry({ ...good, requests }).length).toBeLessThan(telemetryBytesMax);
  });

  it("makes labels of known words only", () => {
    for (const outcome of requestOutcomes) expect(outcomeLabel(outcome)).toBe(outcome);
    for (const outcome of ["", "ACCEPTED", 'a"}', "constructor"]) expect(outcomeLabel(outcome)).toBe("other");
    expect([200, 503, 0, -1, 999, 2_147_483_647].map(httpStatusLabel)).toEqual([
      "200",
      "503",
      "other",
      "other",
      "other",
      "other",
    ]);
  });
});
