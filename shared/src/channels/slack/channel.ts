// What Slack is to us.
import type { Channel } from "../contract/channel.ts";

export const slackChannel = {
  slug: "slack",
  legacyPaths: [],
  limits: {
    // One message a second for a channel and several hundred a minute for a workspace: the latter counts for an account.
    ratePerSecond: 5,
    // Slack's advice for one message; chat.update refuses more, chat.postMessage cuts at 40,000.
    textLengthMax: 4_000,
    // A message is in the history at once; the rest is for clocks and slow writes.
    settleMs: 5_000,
  },
  capabilities: ["reply", "edit"],
  attributes: {
    /** `ts` of the message that the event is about, its id within the channel. */
    ts: "slack_ts",
    channel: "slack_channel",
    teamId: "slack_team_id",
    /** `ts` of the first message of its thread; only on messages in a thread. A command that carries it is sent into that thread. */
    threadTs: "slack_thread_ts",
  },
  callbackParameters: [],
} as const satisfies Channel;
