// What sort of place a Slack channel is, as far as an event says. Reactions and app_mentions say nothing beyond the id.
import { ConversationKind } from "@mio/proto/gen/mio/v1/enums_pb.ts";

/** `hint` is an event's `channel_type`, or the channel name of an interaction or command, which is a word for private places. */
export function conversationKindOf(channel: string, hint: string | undefined): ConversationKind {
  switch (hint) {
    case "channel":
      return ConversationKind.CHANNEL_PUBLIC;
    case "group":
    case "privategroup":
      return ConversationKind.CHANNEL_PRIVATE;
    case "im":
    case "app_home":
    case "directmessage":
      return ConversationKind.DM;
    case "mpim":
      return ConversationKind.GROUP_DM;
    default:
      // A D is always a DM. A C may be private since channels can be converted, so it says nothing.
      return channel.startsWith("D") ? ConversationKind.DM : ConversationKind.UNSPECIFIED;
  }
}
