// Names of attributes (Message.attributes, SendCommand.attributes) that programs outside this project read. They never change;
// a key that two channels write or two consumers read becomes a typed field instead.

/** `ts` of the message that the event is about, on Slack its id within the channel. */
export const slackTs = "slack_ts";
export const slackChannel = "slack_channel";
export const slackTeamId = "slack_team_id";
/** `ts` of the first message of its thread; only on messages in a thread. A command that carries it is sent into that thread. */
export const slackThreadTs = "slack_thread_ts";

export const cliqChannelName = "cliq_channel_name";
export const cliqOrgId = "cliq_org_id";

export const discordMessageId = "discord_message_id";
export const discordChannelId = "discord_channel_id";
export const discordGuildId = "discord_guild_id";

/** The name that people see on the conversation. */
export const conversationDisplayName = "conversation_display_name";
export const replacesSendId = "replaces_send_id";
/** Set on what was found in a provider's history and not told by a webhook. */
export const mioReconciled = "mio_reconciled";
export const repliedTo = "replied_to";
