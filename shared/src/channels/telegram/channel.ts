// What Telegram is to us.
import type { Channel } from "../contract/channel.ts";

export const telegramChannel = {
  slug: "telegram",
  legacyPaths: [],
  limits: {
    // About 30 messages a second for one bot (official FAQ).
    ratePerSecond: 30,
    // Characters of one message after entities are parsed, in UTF-16 code units (sendMessage's documentation).
    textLengthMax: 4_096,
    // Nothing can be looked up, so there is nothing to settle.
    settleMs: 0,
  },
  capabilities: ["reply", "edit"],
  attributes: {
    /** The forum topic or reply thread of a message. A command that carries it is sent into that topic. */
    thread: "telegram_message_thread_id",
    /** The same for all messages of one album; Telegram does not say which is the last. */
    mediaGroup: "telegram_media_group_id",
    /** What was posted when it is neither text nor a file, such as `location` or `poll`. */
    otherContent: "telegram_content",
  },
} as const satisfies Channel;
