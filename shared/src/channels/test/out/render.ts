// A command as calls of the test platform's API, planned without I/O.
import { MessageRelation_Kind } from "@mio/proto/gen/mio/v1/relation_pb.ts";
import type { SendCommand } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import type { EditTarget, Plan } from "../../contract/outbound.ts";
import { splitText } from "../../kit/split-text.ts";
import { refuseUnsupported, rejected } from "../../kit/text-command.ts";
import { testChannel } from "../channel.ts";

/** An edit that is longer than one message changes the message to its first part and sends the rest after it. */
export function planCalls(command: SendCommand, editTarget: EditTarget | undefined): Plan {
  const refusal = refuseUnsupported(testChannel, command, editTarget);
  if (refusal) return refusal;
  const [first, ...more] = splitText(command.text, testChannel.limits.textLengthMax);
  if (first === undefined) return rejected("text_empty", "there is no text to send");
  const conversation = command.conversationExternalId;
  const replyTo =
    command.relation?.kind === MessageRelation_Kind.REPLY ? command.relation?.targetExternalId.split(":")[0] : undefined;
  const following = more.map((text) => ({ action: "send" as const, payload: { conversation, text } }));
  if (editTarget)
    return {
      kind: "calls",
      calls: [{ action: "edit", payload: { id: editTarget.externalId, conversation, text: first } }, ...following],
    };
  return {
    kind: "calls",
    calls: [{ action: "send", payload: { conversation, text: first, ...(replyTo ? { reply_to: replyTo } : {}) } }, ...following],
  };
}
