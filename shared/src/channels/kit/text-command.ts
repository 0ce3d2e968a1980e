// What every channel can send so far: text, as a message, a reply or an edit. Everything else is refused with the same codes on all channels,
// never sent in part.
import { MessageRelation_Kind } from "@mio/proto/gen/mio/v1/relation_pb.ts";
import type { SendCommand } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import type { EditTarget, Plan } from "../contract/outbound.ts";

export type Rejection = Extract<Plan, { kind: "rejected" }>;

const sentRelations: readonly MessageRelation_Kind[] = [
  MessageRelation_Kind.UNSPECIFIED,
  MessageRelation_Kind.REPLY,
  MessageRelation_Kind.EDIT,
];

/** Undefined when the command is one of text. An edit whose target is not known is refused: as a new message it would show what it was to replace twice. */
export function refuseOtherThanText(command: SendCommand, editTarget: EditTarget | undefined): Rejection | undefined {
  if (command.conversationExternalId === "") return rejected("conversation_empty", "conversation_external_id is empty");
  if (command.typing) return rejected("typing_unsupported", "typing indicators are not sent on this channel");
  const relation = command.relation?.kind ?? MessageRelation_Kind.UNSPECIFIED;
  if (!sentRelations.includes(relation))
    return rejected("relation_unsupported", "deletes, reactions and pins are not sent on this channel yet");
  if (command.attachments.length > 0) return rejected("attachments_unsupported", "attachments are not sent on this channel yet");
  if (command.richContent) return rejected("rich_content_unsupported", "rich content is not sent on this channel yet");
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
