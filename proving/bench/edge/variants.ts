// What of the edge a line measures: as it ships; with one event a group, which is what grouping is worth; and with a bus that acknowledges
// at once, so that only the edge's own work is left.

import { uplinkLimits } from "@mio/edge/uplink/limits.ts";
import type { BusLink } from "@mio/edge/uplink/ports.ts";
import type { UplinkParts } from "@mio/edge/uplink/uplink.ts";

export const variants = ["grouped", "ungrouped", "no publish"] as const;
export type Variant = (typeof variants)[number];

export function partsOf(variant: string | undefined): UplinkParts {
  if (variant === "ungrouped") return { limits: { ...uplinkLimits, groupEventsMax: 1 } };
  return variant === "no publish" ? { link: agreeable } : {};
}

const agreeable: BusLink = {
  connected: true,
  publish: async () => ({ kind: "acknowledged", duplicate: false }),
  onChange: () => {},
  suspect: () => {},
};
