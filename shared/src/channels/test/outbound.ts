// The test platform's door for the sender. The platform remembers idempotency keys, so a send of unknown outcome may be
// repeated with its key and shows once: the grade is exactly_once.

import { MessageRelation_Kind } from "@mio/proto/gen/mio/v1/relation_pb.ts";
import type { SendCommand } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
import * as v from "valibot";
import { type Delivered, DeliveryError, type EditTarget, type OutboundDoor, type Plan } from "../contract/outbound.ts";
import { splitText } from "../kit/split-text.ts";
import { refuseUnsupported, rejected } from "../kit/text-command.ts";
import { testChannel } from "./channel.ts";
import { sourceIdOf } from "./in/normalise.ts";

export const testOutbound: OutboundDoor = {
  channel: testChannel,
  grade: () => "exactly_once",
  plan,
  deliver,
  sourceMessageIdOf: (_, externalId) => sourceIdOf(externalId),
};

function plan(command: SendCommand, editTarget: EditTarget | undefined): Plan {
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

const answerSchema = v.object({ id: v.string() });

async function deliver(...[call, { account, fetch, idempotencyKey }]: Parameters<OutboundDoor["deliver"]>): Promise<Delivered> {
  const { id, ...content } = call.payload;
  const base = `${account.settings.api_base_url ?? ""}/api/messages`;
  const url = call.action === "edit" ? `${base}/${encodeURIComponent(String(id))}` : base;
  const response = await fetch(url, {
    method: call.action === "edit" ? "PUT" : "POST",
    headers: {
      Authorization: `Bearer ${account.credential}`,
      "Content-Type": "application/json",
      "Idempotency-Key": idempotencyKey,
    },
    body: JSON.stringify(content),
  });
  if (!response.ok) throw errorOf(response);
  const answer = v.safeParse(answerSchema, await response.json().catch(() => undefined));
  if (!answer.success)
    throw new DeliveryError("unknown", "answer_unreadable", "the test platform answered without the message's id");
  return { externalId: answer.output.id };
}

function errorOf(response: Response): DeliveryError {
  const text = `the test platform answered ${response.status}`;
  if (response.status === 429) {
    const seconds = Number(response.headers.get("Retry-After") ?? "1");
    return new DeliveryError("rate_limited", "too_many_requests", text, {
      retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : 1000,
    });
  }
  if (response.status === 503) return new DeliveryError("unavailable", "service_unavailable", text);
  if (response.status >= 500) return new DeliveryError("unknown", `server_error_${response.status}`, text);
  return new DeliveryError("rejected", `refused_${response.status}`, text);
}
