// The sample channel's door for the sender, to the small platform beside it. A text is split at "|", so that parts can be tested without long
// texts, and its grade is the test's choice; the registered channel `test` has one grade and real splitting.
import { DeliveryError, type DeliveryGrade, type OutboundDoor } from "@mio/shared/channels/contract/outbound.ts";
import type { SourceMessageId } from "@mio/shared/ids.ts";
import { sampleRecord } from "./inbound.ts";

export interface DoorOptions {
  grade?: DeliveryGrade;
  ratePerSecond?: number;
  settleMs?: number;
}

export function sampleOutbound(options: DoorOptions = {}): OutboundDoor {
  const grade = options.grade ?? "cannot_tell";
  return {
    channel: {
      ...sampleRecord,
      limits: {
        ...sampleRecord.limits,
        ...(options.ratePerSecond === undefined ? {} : { ratePerSecond: options.ratePerSecond }),
        ...(options.settleMs === undefined ? {} : { settleMs: options.settleMs }),
      },
    },
    grade: () => grade,
    plan: (command, editTarget) => {
      if (command.text === "unsendable") return { kind: "rejected", code: "text_invalid", reason: "the text cannot be sent" };
      if (command.text === "fault") throw new Error("a fault in the door");
      const conversation = command.conversationExternalId;
      if (editTarget)
        return {
          kind: "calls",
          calls: [{ action: "edit", payload: { conversation, text: command.text, target: editTarget.externalId } }],
        };
      const calls = command.text
        .split("|")
        .map((text) => ({ action: "send" as const, payload: { conversation, text, target: "" } }));
      return { kind: "calls", calls };
    },
    deliver: async (call, { account, fetch, idempotencyKey }) => {
      const response = await fetch(`${account.settings.api_base_url}/messages`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          ...call.payload,
          action: call.action,
          credential: account.credential,
          idempotencyKey: grade === "exactly_once" ? idempotencyKey : "",
        }),
      });
      const text = await response.text();
      if (response.status === 429) {
        const retryAfterMs = Number(response.headers.get("retry-after-ms"));
        throw new DeliveryError("rate_limited", "too_many", "slow down", { retryAfterMs });
      }
      if (response.status === 503) throw new DeliveryError("unavailable", "service_unavailable", "not now");
      if (response.status >= 500) throw new DeliveryError("unknown", "server_error", "who knows");
      if (response.status !== 200) throw new DeliveryError("rejected", "refused", "never");
      const body: unknown = JSON.parse(text);
      const id = typeof body === "object" && body !== null && "id" in body ? String(body.id) : "";
      return { externalId: id };
    },
    sourceMessageIdOf: (conversation, externalId) => `${conversation}:${externalId}` as SourceMessageId,
  };
}
