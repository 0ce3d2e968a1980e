// What leaves the spool together: rows that lie one behind the other, as one bus message. On a slow bus, or after a long outage, one
// row a round trip would never catch up.
import { decodeIngressGroup, encodeIngressGroup } from "@mio/shared/bus/ingress-group.ts";
import type { UplinkLimits } from "./limits.ts";
import type { BusMessage, SpoolRow } from "./ports.ts";

export interface Batch {
  message: BusMessage;
  rows: readonly SpoolRow[];
}

/**
 * As many of the first rows as fit in one group; one that does not, or that nobody can merge, goes alone and unchanged. Rows leave only
 * from the front, so the first one's id and their number name the same events always: that is the message's id.
 */
export function batchOf(
  rows: readonly SpoolRow[],
  limits: Pick<UplinkLimits, "groupEventsMax" | "groupBytesMax">,
): Batch | undefined {
  const [first] = rows;
  if (!first) return undefined;
  const alone = { message: first, rows: [first] };
  const head = decodeIngressGroup(first.body);
  if (head.kind !== "group") return alone;
  const { region, shard, generation, groupedAt, spooled } = head.group;
  const events = [...head.group.events];
  let bytes = first.body.length;
  let count = 1;
  for (const row of rows.slice(1)) {
    const next = decodeIngressGroup(row.body);
    if (next.kind !== "group" || row.subject !== first.subject || next.group.generation !== generation) break;
    bytes += row.body.length;
    if (events.length + next.group.events.length > limits.groupEventsMax || bytes > limits.groupBytesMax) break;
    events.push(...next.group.events);
    count += 1;
  }
  if (count === 1) return alone;
  const id = `${first.messageId}.${count}`;
  const body = encodeIngressGroup({ id, region, shard, generation, spooled, events, ...(groupedAt ? { groupedAt } : {}) });
  return { message: { subject: first.subject, messageId: id, body }, rows: rows.slice(0, count) };
}
