// What a refusal of the test platform means to the sender.
import { DeliveryError } from "../../contract/outbound.ts";

export function deliveryErrorOf(response: Response): DeliveryError {
  const text = `the test platform answered ${response.status}`;
  if (response.status === 429) {
    const seconds = Number(response.headers.get("Retry-After") ?? "1");
    return new DeliveryError("rate_limited", "too_many_requests", text, {
      retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : 1000,
    });
  }
  if (response.status === 503) return new DeliveryError("unavailable", "service_unavailable", text);
  if (response.status >= 500) return new DeliveryError("unknown", `server_error_${response.status}`, text);
  return new DeliveryError("rejected", `refused_${response.status}`, text);
}
