// The test platform's door for the edge: deliberately the simplest that keeps all promises. Its one peculiarity, for tests of
// the edge, is that one webhook may carry events of several conversations.
import type { InboundDoor } from "../contract/inbound.ts";
import { channelType, normaliseWebhook } from "./in/normalise.ts";
import { parseWorkspace } from "./in/payload.ts";
import { verifySignature } from "./in/signature.ts";

export const testInbound: InboundDoor = {
  channelType,
  localOnly: true,
  legacyPaths: [],
  claimedWorkspace: (request) => parseWorkspace(request.body),
  unsignedHandshake: () => undefined,
  verify: verifySignature,
  signedHandshake: () => undefined,
  normalise: (request, account) => normaliseWebhook(request.body, account),
  answer: (outcome) =>
    outcome === "unavailable"
      ? { status: 503, headers: { "Retry-After": "1" }, body: "" }
      : { status: 200, headers: {}, body: "" },
};
