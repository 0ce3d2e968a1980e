// What an edit is about. By its lane an edit comes after its target has ended, so the ledger knows all that can be known: the platform's id, or
// why there is none.
import { MessageRelation_Kind } from "@mio/proto/gen/mio/v1/relation_pb.ts";
import type { SendCommand } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import type { EditTarget } from "@mio/shared/channels/contract/outbound.ts";
import type { LedgerTarget } from "../ledger/attempts.ts";

type TargetFound = { kind: "found"; edit: EditTarget | undefined } | { kind: "failed"; code: string; text: string };

/** The two ids that an edit may name, from the fields of their own or from a relation of kind EDIT; both empty when nothing is edited. */
export function editedBy(command: SendCommand): { messageId: string; externalId: string } {
  const { editOfMessageId: messageId, editOfExternalId: externalId, relation } = command;
  if (messageId !== "" || externalId !== "" || relation?.kind !== MessageRelation_Kind.EDIT) return { messageId, externalId };
  return { messageId: relation.targetMessageId, externalId: relation.targetExternalId };
}

/** A platform's own id is used as it is; a command's or a Message's id is one that this account has sent, in the same conversation. */
export function editTargetOf(command: SendCommand, target: LedgerTarget | undefined): TargetFound {
  const { messageId, externalId } = editedBy(command);
  if (externalId !== "") return { kind: "found", edit: { externalId } };
  if (messageId === "") return { kind: "found", edit: undefined };
  if (target === undefined) return failed("edit_target_unknown", "this account has sent no message with the id to edit");
  if (target.conversationId !== command.conversationId)
    return failed("edit_target_elsewhere", "the message to edit is in another conversation");
  if (target.later) return failed("edit_target_later", "the message to edit comes after its edit");
  if (target.state === "unknown") return failed("edit_target_unresolved", "it is not known whether the message to edit was sent");
  if (target.state !== "sent") return failed("edit_target_not_sent", `the message to edit is ${target.state}`);
  if (target.externalId === undefined || target.externalId === "")
    return failed("edit_target_without_id", "the platform gave no id for the message to edit");
  return { kind: "found", edit: { externalId: target.externalId } };
}

function failed(code: string, text: string): TargetFound {
  return { kind: "failed", code, text };
}
