// One call of the Bot API: the URL, the JSON body, and an answer that is either a result or a DeliveryError. The token is part
// of the URL, so no message, code or cause here may hold the URL.
import * as v from "valibot";
import type { OutboundAccount } from "../contract/account.ts";
import { DeliveryError, type SendFetch } from "../contract/outbound.ts";
import { jsonOf } from "../kit/json.ts";
import { deliveryErrorOf, type Refusal } from "./out/errors.ts";

const defaultApiBaseUrl = "https://api.telegram.org";

export type ApiAnswer = { kind: "result"; result: unknown } | { kind: "refused"; refusal: Refusal };

const envelope = v.variant("ok", [
  v.object({ ok: v.literal(true), result: v.unknown() }),
  v.object({
    ok: v.literal(false),
    error_code: v.number(),
    description: v.optional(v.string(), ""),
    parameters: v.optional(v.object({ retry_after: v.optional(v.number()), migrate_to_chat_id: v.optional(v.number()) }), {}),
  }),
]);

/** Resolves with the platform's answer; rejects with the DeliveryError of `fetch`, or of an answer that is not the Bot API's. */
export async function callApi(
  method: string,
  parameters: Readonly<Record<string, unknown>>,
  context: { account: OutboundAccount; fetch: SendFetch },
): Promise<ApiAnswer> {
  const base = (context.account.settings.api_base_url ?? defaultApiBaseUrl).replace(/\/+$/, "");
  const response = await context.fetch(`${base}/bot${context.account.credential}/${method}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(parameters),
  });
  const parsed = v.safeParse(envelope, await answerOf(response));
  if (!parsed.success) throw foreignAnswer(method, response);
  if (parsed.output.ok) return { kind: "result", result: parsed.output.result };
  const { error_code: errorCode, description, parameters: more } = parsed.output;
  return {
    kind: "refused",
    refusal: { errorCode, description, retryAfterSeconds: more.retry_after, migrateToChatId: more.migrate_to_chat_id },
  };
}

/** Undefined when the body is not JSON. An answer that breaks off is the business of `fetch`, which says `unknown`. */
async function answerOf(response: Response): Promise<unknown> {
  const text = await response.text().catch((cause: unknown) => {
    if (cause instanceof DeliveryError) throw cause;
    throw new DeliveryError("unknown", "answer_broken", "Telegram's answer broke off", { cause });
  });
  return jsonOf(text);
}

/** Something between us and Telegram has answered: judge by its status alone. */
function foreignAnswer(method: string, response: Response): DeliveryError {
  if (response.status >= 200 && response.status < 300) {
    return new DeliveryError("unknown", "answer_unreadable", `${method} was answered ${response.status} without a result`);
  }
  const retryAfter = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return deliveryErrorOf(method, {
    errorCode: response.status,
    description: "",
    retryAfterSeconds: Number.isFinite(retryAfter) ? retryAfter : undefined,
    migrateToChatId: undefined,
  });
}
