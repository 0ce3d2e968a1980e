// Names of attributes (Message.attributes, SendCommand.attributes) that belong to no channel of ours: programs outside this project read them,
// so they never change. A channel's own stand in its `channel.ts`; a key that two channels write or two consumers read becomes a typed
// field instead.

/** The name that people see on the conversation. */
export const conversationDisplayName = "conversation_display_name";
export const replacesSendId = "replaces_send_id";
/** Set on what was found in a provider's history and not told by a webhook. */
export const mioReconciled = "mio_reconciled";
export const repliedTo = "replied_to";

// For the folder of a channel that is planned.
export const discordMessageId = "discord_message_id";
export const discordChannelId = "discord_channel_id";
export const discordGuildId = "discord_guild_id";
