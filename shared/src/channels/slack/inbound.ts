// Slack's door for the edge. Several workspaces share one URL and one signing secret, so the payload says whose event it is.
import type { InboundDoor, InboundOutcome, PlatformAnswer, WebhookRequest } from "../contract/inbound.ts";
import { normalisePayload } from "./in/normalise.ts";
import { isForm, parsePayload, type SlackPayload } from "./in/payload.ts";
import { verifySignature } from "./in/signature.ts";

/** Slack's check is a few dozen bytes; nothing longer is looked into before it is verified. */
const sslCheckBytesMax = 1_024;

/** A webhook is asked about several times on its way, and parsed once. */
const parsedPayloads = new WeakMap<WebhookRequest, SlackPayload>();

export const slackInbound: InboundDoor = {
  channelType: "slack",
  legacyPaths: [],
  /** The deprecated verification token: still in every payload, and still a proof for whoever checks no signature. */
  secretBodyFields: ["token", "payload.token"],
  callbackParameters: [],
  claimedWorkspace: (request) => payloadOf(request).workspaces[0],
  unsignedHandshake: (request) => {
    if (!isForm(request) || request.body.length > sslCheckBytesMax) return undefined;
    return payloadOf(request).content.kind === "ssl_check" ? { status: 200, headers: {}, body: "" } : undefined;
  },
  verify: verifySignature,
  signedHandshake: (request) => {
    const { content } = payloadOf(request);
    if (content.kind !== "url_verification") return undefined;
    return {
      status: 200,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ challenge: content.challenge }),
    };
  },
  normalise: (request, account) => normalisePayload(payloadOf(request), account),
  answer,
};

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

function payloadOf(request: WebhookRequest): SlackPayload {
  const known = parsedPayloads.get(request);
  if (known) return known;
  const payload = parsePayload(request);
  parsedPayloads.set(request, payload);
  return payload;
}
