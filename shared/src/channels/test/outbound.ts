// The test platform's door for the sender. The platform remembers idempotency keys, so a send of unknown outcome may be
// repeated with its key and shows once: the grade is exactly_once.
import * as v from "valibot";
import { type Delivered, DeliveryError, type OutboundDoor } from "../contract/outbound.ts";
import { jsonOfAnswer } from "../kit/answer.ts";
import { testChannel } from "./channel.ts";
import { deliveryErrorOf } from "./out/errors.ts";
import { planCalls } from "./out/render.ts";
import { sourceIdOf } from "./source-id.ts";

export const testOutbound: OutboundDoor = {
  channel: testChannel,
  grade: () => "exactly_once",
  plan: planCalls,
  deliver,
  sourceMessageIdOf: (_, externalId) => sourceIdOf(externalId),
};

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
  if (!response.ok) throw deliveryErrorOf(response);
  const answer = v.safeParse(answerSchema, await jsonOfAnswer(response));
  if (!answer.success)
    throw new DeliveryError("unknown", "answer_unreadable", "the test platform answered without the message's id");
  return { externalId: answer.output.id };
}
