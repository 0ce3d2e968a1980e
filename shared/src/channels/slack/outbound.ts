// Slack's outbound door. A send carries a client_msg_id computed from its idempotency key, and the command's id in its
// metadata, so that it can be found in the channel's history after an ambiguous failure.
import { uuidV5 } from "../../ids.ts";
import type { OutboundAccount } from "../contract/account.ts";
import type { Delivered, OutboundDoor, PlannedCall, SendFetch } from "../contract/outbound.ts";
import { payloadOf, repeatable } from "../kit/planned-call.ts";
import { callApi } from "./api.ts";
import { slackChannel } from "./channel.ts";
import { editPayload, planCalls, sendPayload } from "./out/render.ts";
import { messageSourceId } from "./source-id.ts";

/** `event_type` of the metadata under which a command's id stands in the message that it became. */
const metadataEventType = "mio_command";

export const slackOutbound: OutboundDoor = {
  channel: slackChannel,
  // Apps sold outside the Marketplace read one page of history a minute: too little to look anything up.
  grade: (account) => (account.settings.history === "limited" ? "cannot_tell" : "reconcilable"),
  plan: planCalls,
  deliver: (call, { account, fetch, idempotencyKey }) =>
    call.action === "edit" ? edit(call, account, fetch) : send(call, account, fetch, idempotencyKey),
  sourceMessageIdOf: messageSourceId,
};

async function send(call: PlannedCall, account: OutboundAccount, fetch: SendFetch, idempotencyKey: string): Promise<Delivered> {
  const { channel, text, thread_ts, command_id, part } = payloadOf(sendPayload, call);
  const { ts } = await callApi(account, fetch, "chat.postMessage", {
    channel,
    text,
    ...(thread_ts === "" ? {} : { thread_ts }),
    client_msg_id: uuidV5(account.accountId, `client_msg_id:${idempotencyKey}`),
    metadata: { event_type: metadataEventType, event_payload: { command_id, part } },
  });
  return { externalId: ts };
}

async function edit(call: PlannedCall, account: OutboundAccount, fetch: SendFetch): Promise<Delivered> {
  const { channel, ts, text } = payloadOf(editPayload, call);
  await callApi(account, fetch, "chat.update", { channel, ts, text }).catch(repeatable);
  return { externalId: ts };
}
