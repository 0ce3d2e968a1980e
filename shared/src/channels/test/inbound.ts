// The test platform's door for the edge: deliberately the simplest that keeps all promises. Its one peculiarity, for tests of
// the edge, is that one webhook may carry events of several conversations.
import type { InboundDoor } from "../contract/inbound.ts";
import { jsonOfBytes } from "../kit/json.ts";
import { once } from "../kit/once.ts";
import { testChannel } from "./channel.ts";
import { normaliseWebhook } from "./in/normalise.ts";
import { workspaceIn } from "./in/payload.ts";
import { verifySignature } from "./in/signature.ts";

export const testInbound: InboundDoor = {
  channel: testChannel,
  read: (request) => {
    const body = once(() => jsonOfBytes(request.body));
    return { workspace: () => workspaceIn(body()), normalise: (account) => normaliseWebhook(body(), account) };
  },
  verify: verifySignature,
  answer: (outcome) =>
    outcome === "unavailable"
      ? { status: 503, headers: { "Retry-After": "1" }, body: "" }
      : { status: 200, headers: {}, body: "" },
};
