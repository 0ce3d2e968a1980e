// What the messages of an ordered consumer say, as a table.
import { describe, expect, it } from "vitest";
import type { BusHeaders, BusMessage } from "../../client/connection.ts";
import { type Heard, heardOf } from "./heard.ts";

const record = (delivery: number): BusMessage => ({
  subject: "a.b",
  data: new Uint8Array([1]),
  reply: `$JS.ACK.STREAM.consumer.1.41.${delivery}.1500000000.7`,
});

const control = (texts: Readonly<Record<string, string>>, reply?: string): BusMessage => ({
  subject: "inbox",
  data: new Uint8Array(),
  headers: headersOf(100, texts),
  ...(reply === undefined ? {} : { reply }),
});

function headersOf(code: number, texts: Readonly<Record<string, string>>): BusHeaders {
  return { code, description: "", get: (name) => texts[name] ?? "", has: (name) => name in texts, set: () => {} };
}

describe("after three deliveries", () => {
  const place = { sequence: 41, delivery: 4, storedAtMs: 1_500, pending: 7 };
  const idle = { "Nats-Last-Consumer": "3", "Nats-Last-Stream": "90" };
  const hole: Heard = { kind: "hole", stalled: undefined };
  const cases: [string, BusMessage, Heard][] = [
    ["the fourth is the next", record(4), { kind: "delivery", place }],
    ["the fifth leaves a hole", record(5), hole],
    ["the third comes again after a hole", record(3), hole],
    ["one that says nowhere where it stands is a hole", { subject: "a.b", data: new Uint8Array([1]) }, hole],
    ["a request for flow control wants its answer", control({}, "$JS.FC.x"), { kind: "flow_control", reply: "$JS.FC.x" }],
    ["a heartbeat says how far the stream is", control(idle), { kind: "heartbeat", stalled: undefined, reached: 90 }],
    [
      "a heartbeat that says no number reaches nothing",
      control({ ...idle, "Nats-Last-Stream": "x" }),
      { kind: "heartbeat", stalled: undefined, reached: 0 },
    ],
    [
      "a heartbeat of a consumer that waits names the answer",
      control({ ...idle, "Nats-Consumer-Stalled": "$JS.FC.x" }),
      { kind: "heartbeat", stalled: "$JS.FC.x", reached: 90 },
    ],
    ["a heartbeat after more deliveries than came tells of a hole", control({ ...idle, "Nats-Last-Consumer": "4" }), hole],
    [
      "and of the answer that it waits for",
      control({ ...idle, "Nats-Last-Consumer": "4", "Nats-Consumer-Stalled": "$JS.FC.x" }),
      { kind: "hole", stalled: "$JS.FC.x" },
    ],
    [
      "a record with a body is no heartbeat, whatever its headers say",
      { ...record(4), headers: headersOf(100, idle) },
      { kind: "delivery", place },
    ],
    [
      "a record without a body is no heartbeat either",
      { ...record(4), data: new Uint8Array(), headers: headersOf(0, {}) },
      { kind: "delivery", place },
    ],
  ];
  it.each(cases)("%s", (_, message, heard) => {
    expect(heardOf(message, 3)).toEqual(heard);
  });
});
