// What leaves the spool together: rows that lie one behind the other, as one bus message. On a slow bus, or after a long outage, one
// row a round trip would never catch up.
import { decodeIngressGroup, encodeIngressGroup } from "@mio/shared/bus/wire/ingress-group.ts";
import type { UplinkLimits } from "./limits.ts";
import type { GroupMessage, SpoolRow } from "./ports.ts";

export interface DrainGroup {
  message: GroupMessage;
  rows: readonly SpoolRow[];
}

/**
 * As many of the first rows as fit in one group; one that does not, or that nobody can merge, goes alone and unchanged. The first one's id,
 * the last one's and their number are the message's id: rows leave only from the front and come only at the end, so these name the same events
 * always. The first one's and the number would not: a row that an object lost before it was on disk may have been sent, and the next
 * object's row stands in its place.
 */
export function drainGroupOf(
  rows: readonly SpoolRow[],
  limits: Pick<UplinkLimits, "groupEventsMax" | "groupBytesMax">,
): DrainGroup | undefined {
  const [first] = rows;
  if (!first) return undefined;
  const alone = { message: first, rows: [first] };
  const head = decodeIngressGroup(first.body);
  if (head.kind !== "group") return alone;
  // `generation` is always 1, and goes on as it is.
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
  const taken = rows.slice(0, count);
  const id = `${first.messageId}.${taken.at(-1)?.messageId}.${count}`;
  const body = encodeIngressGroup({ id, region, shard, generation, spooled, events, ...(groupedAt ? { groupedAt } : {}) });
  return { message: { subject: first.subject, messageId: id, body }, rows: taken };
}
