// What every platform's answer is asked beside its meaning.
import { DeliveryError } from "../contract/outbound.ts";
import { jsonOf } from "./json.ts";

/** How long it asks us to wait, in whole seconds as platforms write it; undefined for a date, or for nothing. */
export function retryAfterMsOf(header: string | null): number | undefined {
  return header !== null && /^\d{1,6}$/.test(header) ? Number(header) * 1_000 : undefined;
}

/** Undefined for what is no JSON or breaks off. Rejects only with what `fetch` says of the failure. */
export async function jsonOfAnswer(response: Response): Promise<unknown> {
  try {
    return jsonOf(await response.text());
  } catch (cause) {
    if (cause instanceof DeliveryError) throw cause;
    return undefined;
  }
}
