// What Zoho Cliq is to us.
import type { Channel } from "../contract/channel.ts";

export const zohoCliqChannel = {
  slug: "zoho_cliq",
  legacyPaths: ["cliq"],
  limits: {
    // 50 messages a minute for a user; below it, because one too many locks the user for ten minutes.
    ratePerSecond: 0.8,
    // Published limit of one message's text, in characters.
    textLengthMax: 5_000,
    settleMs: 0,
  },
  capabilities: ["reply", "edit"],
  attributes: {
    channelName: "cliq_channel_name",
    orgId: "cliq_org_id",
    /** JSON, as Cliq lists them. */
    mentions: "cliq_mentions",
  },
  /** The data centre that holds the person's organisation, and must be asked for the token. */
  callbackParameters: ["accounts-server", "location"],
} as const satisfies Channel;
