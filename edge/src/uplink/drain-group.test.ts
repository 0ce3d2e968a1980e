// Which bus messages a spool's rows become: the same rows always the same message, other rows always another one.
import { decodeIngressGroup, encodeIngressGroup } from "@mio/shared/bus/wire/ingress-group.ts";
import { describe, expect, it } from "vitest";
import { drainGroupOf } from "./drain-group.ts";
import { uplinkLimits } from "./limits.ts";
import type { SpoolRow } from "./ports.ts";

function row(id: number, name: string): SpoolRow {
  const events = [new TextEncoder().encode(name)];
  const body = encodeIngressGroup({ id: name, region: "eu", shard: 0, generation: 1n, spooled: true, events });
  return { id, messageId: name, subject: "mio.ingress.eu.0", body };
}

function eventsOf(rows: readonly SpoolRow[]): string[] {
  const decoded = decodeIngressGroup(drainGroupOf(rows, uplinkLimits)?.message.body ?? new Uint8Array());
  return decoded.kind === "group" ? decoded.group.events.map((event) => new TextDecoder().decode(event)) : [];
}

describe("rows that leave a spool together", () => {
  it("G4: keep their order, and are the same message each time", () => {
    const rows = [row(1, "a"), row(2, "b"), row(3, "c")];
    expect(eventsOf(rows)).toEqual(["a", "b", "c"]);
    expect(drainGroupOf(rows, uplinkLimits)?.message.messageId).toBe(drainGroupOf([...rows], uplinkLimits)?.message.messageId);
  });

  it("G2: are another message with another row, so that the broker never takes it for what it has", () => {
    // The second row of an object that was lost before it was on disk may be on the bus; in its place comes one of the next object's.
    const idOf = (rows: SpoolRow[]) => drainGroupOf(rows, uplinkLimits)?.message.messageId;
    const ids = [
      idOf([row(1, "a")]),
      idOf([row(1, "a"), row(2, "lost")]),
      idOf([row(1, "a"), row(2, "kept")]),
      idOf([row(1, "a"), row(2, "lost"), row(3, "kept")]),
      idOf([row(2, "kept")]),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });
});
