// What the platform of the project's own tests is.
import type { Channel } from "../contract/channel.ts";

export const testChannel = {
  slug: "test",
  localOnly: true,
  legacyPaths: [],
  // The platform allows more; this is what one account gets when the operator says nothing. Keys are kept, so nothing settles.
  limits: { ratePerSecond: 50, textLengthMax: 2_000, settleMs: 0 },
  capabilities: ["reply", "edit"],
  attributes: {},
} as const satisfies Channel;
