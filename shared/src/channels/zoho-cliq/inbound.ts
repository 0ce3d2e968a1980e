// Zoho Cliq's inbound door. There is no handshake; Cliq neither repeats a webhook nor reads more of the answer than its status.
import type { InboundDoor, InboundOutcome, PlatformAnswer } from "../contract/inbound.ts";
import { normalisePayload } from "./in/normalise.ts";
import { parsePayload } from "./in/payload.ts";
import { verifySignature } from "./in/signature.ts";

export const zohoCliqInbound: InboundDoor = {
  channelType: "zoho_cliq",
  legacyPaths: ["cliq"],
  /** The data centre that holds the person's organisation, and must be asked for the token. */
  callbackParameters: ["accounts-server", "location"],
  claimedWorkspace: (request) => {
    const payload = parsePayload(request.body);
    return typeof payload === "string" ? undefined : payload.organizationId || undefined;
  },
  unsignedHandshake: () => undefined,
  verify: verifySignature,
  signedHandshake: () => undefined,
  normalise: (request, account) => {
    const payload = parsePayload(request.body);
    return typeof payload === "string" ? { kind: "malformed", reason: payload } : normalisePayload(payload, account);
  },
  answer,
};

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
