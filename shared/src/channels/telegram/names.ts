// What this channel is called and which attributes it writes: names that others may read, so they never change.

export const channelType = "telegram";

/** The forum topic or reply thread of a message. A command that carries it is sent into that topic. */
export const threadAttribute = "telegram_message_thread_id";
/** The same for all messages of one album; Telegram does not say which is the last. */
export const mediaGroupAttribute = "telegram_media_group_id";
/** What was posted when it is neither text nor a file, such as `location` or `poll`. */
export const otherContentAttribute = "telegram_content";

/** Scheme of an attachment's `url`: a reference for getFile, because the real URL would hold the bot's token. */
export const fileReferenceScheme = "telegram-file:";
