// One call to Cliq's REST API: base URL, token, JSON both ways, and refusals as DeliveryError.
import * as v from "valibot";
import type { OutboundAccount } from "../contract/account.ts";
import { DeliveryError, type SendFetch } from "../contract/outbound.ts";
import { retryAfterMsOf } from "../kit/answer.ts";
import { jsonOf } from "../kit/json.ts";
import { deliveryErrorOf } from "./out/errors.ts";

/** The United States' data centre; other accounts set `api_base_url` (`https://cliq.zoho.eu` and so on). */
const defaultBaseUrl = "https://cliq.zoho.com";

export interface ApiCall {
  method: "POST" | "PUT";
  /** Path under the base URL, encoded. */
  path: string;
  body: Readonly<Record<string, unknown>>;
  /** For error messages, such as "send a message". */
  undertaken: string;
}

const note = v.fallback(v.optional(v.string(), ""), "");
const refusal = v.object({ code: note, message: note });
const refusalBody = v.union([
  v.pipe(
    v.object({ error: refusal }),
    v.transform((body) => body.error),
  ),
  refusal,
]);

/** Resolves with the parsed JSON of a 2xx, undefined where there is none (a 204). Throws DeliveryError and nothing else. */
export async function callApi(account: OutboundAccount, fetch: SendFetch, call: ApiCall): Promise<unknown> {
  const baseUrl = (account.settings.api_base_url ?? defaultBaseUrl).replace(/\/+$/, "");
  const response = await fetch(`${baseUrl}${call.path}`, {
    method: call.method,
    headers: { authorization: `Zoho-oauthtoken ${account.credential}`, "content-type": "application/json" },
    body: JSON.stringify(call.body),
  });
  const json = jsonOf(await textOf(response));
  if (response.ok) return json;
  const parsed = v.safeParse(refusalBody, json);
  const { code, message } = parsed.success ? parsed.output : { code: "", message: "" };
  // Cliq documents no such header; something before it may send one.
  const retryAfterMs = retryAfterMsOf(response.headers.get("retry-after"));
  throw deliveryErrorOf({ status: response.status, code, message, retryAfterMs }, call.undertaken);
}

/** An id as one segment of a path. `.` and `..` would lead to another call, whatever their encoding, and are no ids of Cliq. */
export function pathSegment(id: string): string {
  if (/^\.{0,2}$/.test(id)) throw new DeliveryError("rejected", "id_malformed", "an id is empty or made of dots");
  return encodeURIComponent(id.toWellFormed());
}

/** A refusal stands without its body. A success does not: without the message's id no edit could follow, and a cut answer proves nothing. */
async function textOf(response: Response): Promise<string> {
  try {
    return await response.text();
  } catch (cause) {
    if (response.ok) throw new DeliveryError("unknown", "answer_incomplete", "Cliq's answer broke off", { cause });
    return "";
  }
}
