// What an edit is about. By its lane an edit comes after its target has ended, so the ledger knows all that can be known: the platform's id, or
// why there is none.
import type { SendCommand } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import type { EditTarget } from "@mio/shared/channels/contract.ts";
import type { LedgerTarget } from "./ledger-attempts.ts";

export type TargetFound = { kind: "found"; edit: EditTarget | undefined } | { kind: "failed"; code: string; text: string };

/** A platform's own id is used as it is; a command's or a Message's id is one that this account has sent, in the same conversation. */
export function editTargetOf(command: SendCommand, target: LedgerTarget | undefined): TargetFound {
  if (command.editOfExternalId !== "") return { kind: "found", edit: { externalId: command.editOfExternalId } };
  if (command.editOfMessageId === "") return { kind: "found", edit: undefined };
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
