// Limits of an uplink that a test hands to its host as text.

import { uplinkLimits } from "@mio/edge/uplink/limits.ts";
import type { UplinkParts } from "@mio/edge/uplink/uplink.ts";
import * as v from "valibot";

export const limitsVariable = "MIO_TEST_UPLINK_LIMITS";

const limits = v.record(v.string(), v.number());

export function partsOf(given: string | undefined): UplinkParts {
  return given ? { limits: { ...uplinkLimits, ...v.parse(limits, JSON.parse(given)) } } : {};
}
