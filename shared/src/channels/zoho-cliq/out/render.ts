// A command as calls to Cliq, planned without any I/O.
import { MessageRelation_Kind } from "@mio/proto/gen/mio/v1/relation_pb.ts";
import type { SendCommand } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import * as v from "valibot";
import type { EditTarget, Plan } from "../../contract/outbound.ts";
import { splitText } from "../../kit/split-text.ts";
import { refuseUnsupported, rejected } from "../../kit/text-command.ts";
import { zohoCliqChannel } from "../channel.ts";
import { isPlatformMessageId, platformMessageId } from "../source-id.ts";

/** What `deliver` needs; the ledger keeps it as JSON between the two. */
export const sendPayload = v.object({ chatId: v.string(), channelName: v.string(), text: v.string(), replyTo: v.string() });
export const editPayload = v.object({ chatId: v.string(), messageId: v.string(), text: v.string() });

/**
 * Sends, replies and edits. A reply quotes with its first part (`reply_to`), when Cliq knows the message. An edit that is longer than one message becomes
 * the edit with its first part, and new messages with the others.
 */
export function planCalls(command: SendCommand, editTarget: EditTarget | undefined): Plan {
  const chatId = command.conversationExternalId;
  const refusal = refuseUnsupported(zohoCliqChannel, command, editTarget);
  if (refusal) return refusal;
  const [first, ...others] = splitText(command.text, zohoCliqChannel.limits.textLengthMax);
  if (first === undefined) return rejected("text_empty", "there is no text to send");

  const channelName = command.attributes[zohoCliqChannel.attributes.channelName] ?? "";
  const replied =
    command.relation?.kind === MessageRelation_Kind.REPLY
      ? platformMessageId(chatId, command.relation?.targetExternalId ?? "")
      : "";
  const send = (text: string, replyTo: string) => ({ action: "send", payload: { chatId, channelName, text, replyTo } }) as const;
  const opening = editTarget
    ? ({ action: "edit", payload: { chatId, messageId: platformMessageId(chatId, editTarget.externalId), text: first } } as const)
    : send(first, isPlatformMessageId(replied) ? replied : "");
  return { kind: "calls", calls: [opening, ...others.map((text) => send(text, ""))] };
}
