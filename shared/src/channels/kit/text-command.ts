// What a command may ask of a channel: text always, and what its record lists. Everything else is refused with the same codes on all channels,
// never sent in part.
import { MessageRelation_Kind } from "@mio/proto/gen/mio/v1/relation_pb.ts";
import type { SendCommand } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import type { Capability, Channel } from "../contract/channel.ts";
import type { EditTarget, Plan } from "../contract/outbound.ts";

export type Rejection = Extract<Plan, { kind: "rejected" }>;

/** A kind that is not here is one that this version does not know. */
const relations: Readonly<Partial<Record<MessageRelation_Kind, Capability>>> = {
  [MessageRelation_Kind.REPLY]: "reply",
  [MessageRelation_Kind.EDIT]: "edit",
  [MessageRelation_Kind.DELETE]: "delete",
  [MessageRelation_Kind.REACTION]: "reaction",
  [MessageRelation_Kind.PIN]: "pin",
};

/** Undefined when the channel can send all of it. An edit whose target is not known is refused: as a new message it would show what it was to replace twice. */
export function refuseUnsupported(
  { capabilities }: Pick<Channel, "capabilities">,
  command: SendCommand,
  editTarget: EditTarget | undefined,
): Rejection | undefined {
  const lacks = (capability: Capability | undefined) => capability === undefined || !capabilities.includes(capability);
  if (command.conversationExternalId === "") return rejected("conversation_empty", "conversation_external_id is empty");
  if (command.typing && lacks("typing")) return rejected("typing_unsupported", "typing indicators are not sent on this channel");
  const relation = command.relation?.kind ?? MessageRelation_Kind.UNSPECIFIED;
  if (relation !== MessageRelation_Kind.UNSPECIFIED && lacks(relations[relation]))
    return rejected("relation_unsupported", `this channel sends no ${relations[relation] ?? "relation of this kind"} yet`);
  if (command.attachments.length > 0 && lacks("attachment"))
    return rejected("attachments_unsupported", "attachments are not sent on this channel yet");
  if (command.richContent && lacks("rich_content"))
    return rejected("rich_content_unsupported", "rich content is not sent on this channel yet");
  if (isEdit(command) && lacks("edit")) return rejected("relation_unsupported", "this channel sends no edit yet");
  if (isEdit(command) && !editTarget) return rejected("edit_target_unknown", "the message to edit is not known on this channel");
  return undefined;
}

/** True when the command changes a message that stands already. */
function isEdit(command: SendCommand): boolean {
  return (
    command.relation?.kind === MessageRelation_Kind.EDIT || command.editOfMessageId !== "" || command.editOfExternalId !== ""
  );
}

export function rejected(code: string, reason: string): Rejection {
  return { kind: "rejected", code, reason };
}
