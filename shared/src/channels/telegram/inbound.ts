// Telegram's door for the edge. One webhook URL belongs to one bot, so the account is known from the path and the body names
// no workspace. Updates queue per chat behind the first that is not answered 2xx: only what we could not store is refused.
import type { InboundDoor, PlatformAnswer } from "../contract/inbound.ts";
import { telegramChannel } from "./channel.ts";
import { normaliseUpdate } from "./in/normalise.ts";
import { verifySecretToken } from "./in/signature.ts";

export const telegramInbound: InboundDoor = {
  channel: telegramChannel,
  read: (request) => ({
    workspace: () => undefined,
    normalise: (account) => normaliseUpdate(request.body, account),
  }),
  verify: async (request, secrets) => verifySecretToken(request.headers, secrets),
  answer: (outcome) => (outcome === "unavailable" ? again : done),
};

/** An empty body: JSON with a `method` would be carried out as an API call. */
const done: PlatformAnswer = { status: 200, headers: {}, body: "" };

/** Telegram honours Retry-After (0-3600 s); without it the wait doubles up to two minutes and the chat stands still for as long. */
const again: PlatformAnswer = { status: 503, headers: { "Retry-After": "2" }, body: "" };
