// Slack's door for the edge. Several workspaces share one URL and one signing secret, so the payload says whose event it is.
import type { InboundDoor, InboundOutcome, PlatformAnswer, WebhookReading, WebhookRequest } from "../contract/inbound.ts";
import { once } from "../kit/once.ts";
import { slackChannel } from "./channel.ts";
import { normalisePayload } from "./in/normalise.ts";
import { isForm, parsePayload } from "./in/payload.ts";
import { verifySignature } from "./in/signature.ts";

/** Slack's check is a few dozen bytes; nothing longer is looked into before it is verified. */
const sslCheckBytesMax = 1_024;

export const slackInbound: InboundDoor = {
  channel: slackChannel,
  /** The deprecated verification token: still in every payload, and still a proof for whoever checks no signature. */
  secretBodyFields: ["token", "payload.token"],
  read,
  verify: verifySignature,
  answer,
};

function read(request: WebhookRequest): WebhookReading {
  const payload = once(() => parsePayload(request));
  return {
    workspace: () => payload().workspaces[0],
    unsignedHandshake: () => {
      if (!isForm(request) || request.body.length > sslCheckBytesMax) return undefined;
      return payload().content.kind === "ssl_check" ? { status: 200, headers: {}, body: "" } : undefined;
    },
    signedHandshake: () => {
      const { content } = payload();
      if (content.kind !== "url_verification") return undefined;
      return {
        status: 200,
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ challenge: content.challenge }),
      };
    },
    normalise: (account) => normalisePayload(payload(), account),
  };
}

/** An empty 200 shows nothing to people. A 503 makes Slack try an event again at once, after a minute and after five. */
function answer(outcome: InboundOutcome): PlatformAnswer {
  switch (outcome) {
    case "accepted":
    case "ignored":
    case "malformed":
      return { status: 200, headers: {}, body: "" };
    case "unavailable":
      return { status: 503, headers: { "retry-after": "2" }, body: "" };
  }
}
