// Zoho Cliq's inbound door. There is no handshake; Cliq neither repeats a webhook nor reads more of the answer than its status.
import type { InboundDoor, InboundOutcome, PlatformAnswer, WebhookReading, WebhookRequest } from "../contract/inbound.ts";
import { once } from "../kit/once.ts";
import { zohoCliqChannel } from "./channel.ts";
import { normalisePayload } from "./in/normalise.ts";
import { parsePayload } from "./in/payload.ts";
import { verifySignature } from "./in/signature.ts";

export const zohoCliqInbound: InboundDoor = { channel: zohoCliqChannel, read, verify: verifySignature, answer };

function read(request: WebhookRequest): WebhookReading {
  const payload = once(() => parsePayload(request.body));
  return {
    workspace: () => {
      const read = payload();
      return typeof read === "string" ? undefined : read.organizationId || undefined;
    },
    normalise: (account) => {
      const read = payload();
      return typeof read === "string" ? { kind: "malformed", reason: read } : normalisePayload(read, account);
    },
  };
}

/** An empty object is a synchronous reply that says nothing. A 503 shows the person an error: the event was not taken. */
function answer(outcome: InboundOutcome): PlatformAnswer {
  const headers = { "content-type": "application/json" };
  switch (outcome) {
    case "accepted":
    case "ignored":
    case "malformed":
      return { status: 200, headers, body: "{}" };
    case "unavailable":
      return { status: 503, headers: { ...headers, "retry-after": "2" }, body: "{}" };
  }
}
