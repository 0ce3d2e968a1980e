// One call of Slack's Web API: JSON out, JSON back, every failure a DeliveryError.
import * as v from "valibot";
import type { OutboundAccount } from "../contract/account.ts";
import { DeliveryError, type SendFetch } from "../contract/outbound.ts";
import { jsonOf } from "../kit/json.ts";
import { deliveryErrorOf } from "./out/errors.ts";

const platformUrl = "https://slack.com/api";

const answerSchema = v.object({ ok: v.boolean(), error: v.optional(v.string()), ts: v.optional(v.string()) });

/** Calls `method` and gives the `ts` of its answer, empty when there is none. `settings.api_base_url` takes the platform's place. */
export async function callApi(
  account: OutboundAccount,
  fetch: SendFetch,
  method: string,
  args: Readonly<Record<string, unknown>>,
): Promise<{ ts: string }> {
  const baseUrl = (account.settings.api_base_url || platformUrl).replace(/\/+$/, "");
  const response = await fetch(`${baseUrl}/${method}`, {
    method: "POST",
    headers: { authorization: `Bearer ${account.credential}`, "content-type": "application/json; charset=utf-8" },
    body: JSON.stringify(args),
  });
  const answer = parsedAnswer(await wholeText(response, method));
  if (response.ok && answer?.ok) return { ts: answer.ts ?? "" };
  const error = answer?.ok === false ? (answer.error ?? "error_missing") : undefined;
  throw deliveryErrorOf(method, { status: response.status, retryAfter: response.headers.get("retry-after"), error });
}

async function wholeText(response: Response, method: string): Promise<string> {
  try {
    return await response.text();
  } catch (cause) {
    if (cause instanceof DeliveryError) throw cause;
    throw new DeliveryError("unknown", "answer_incomplete", `Slack's answer to ${method} broke off`, { cause });
  }
}

function parsedAnswer(text: string): v.InferOutput<typeof answerSchema> | undefined {
  const parsed = v.safeParse(answerSchema, jsonOf(text));
  return parsed.success ? parsed.output : undefined;
}
