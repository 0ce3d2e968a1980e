// One attempt at one webhook: what was sent, when it arrived, what came back, and whether the platform tries again.
import type { SimulatorHost } from "../contract/simulator.ts";
import type { OutgoingWebhook, PlatformRules } from "./platform-rules.ts";
import type { Attempt } from "./state/state.ts";

export interface AttemptResult {
  attempt: Attempt;
  /** `delivered`: done. `retry`: as the schedule allows. `refused`: done, for the app forbids retries. */
  end: "delivered" | "retry" | "refused";
  /** What the answer asked for, on platforms that listen. */
  retryAfterMs?: number | undefined;
}

export interface AttemptOrder {
  host: SimulatorHost;
  platform: PlatformRules;
  url: string;
  webhook: OutgoingWebhook;
  /** Waits this long first (a fault). */
  lateMs: number;
  stop: AbortSignal;
}

/** Status 0 when no complete answer came in time. Undefined when `stop` ended it. */
export async function attemptWebhook(order: AttemptOrder): Promise<AttemptResult | undefined> {
  const { clock } = order.host;
  if (order.lateMs > 0) await clock.sleep(order.lateMs, order.stop).catch(() => undefined);
  if (order.stop.aborted) return undefined;
  const atMs = clock.nowMs();
  const startMs = clock.monotonicMs();
  const abort = new AbortController();
  const onStop = () => abort.abort();
  order.stop.addEventListener("abort", onStop, { once: true });
  const timer = new AbortController();
  clock.sleep(order.platform.retry.timeoutMs, timer.signal).then(onStop, () => undefined);
  try {
    const response = await order.host.fetch(order.url, {
      method: "POST",
      headers: order.webhook.headers,
      body: order.webhook.body,
      redirect: "manual",
      signal: abort.signal,
    });
    await response.arrayBuffer();
    const attempt = { atMs, status: response.status, durationMs: Math.round(clock.monotonicMs() - startMs) };
    return { attempt, end: endOf(order.platform, response), retryAfterMs: order.platform.retryAfterMs?.(response) };
  } catch {
    if (order.stop.aborted) return undefined;
    return { attempt: { atMs, status: 0, durationMs: Math.round(clock.monotonicMs() - startMs) }, end: "retry" };
  } finally {
    // With a reason of its own, it makes no error with a stack.
    timer.abort("answered");
    order.stop.removeEventListener("abort", onStop);
  }
}

function endOf(platform: PlatformRules, response: Response): AttemptResult["end"] {
  if (platform.isDelivered ? platform.isDelivered(response) : response.ok) return "delivered";
  return platform.forbidsRetry?.(response) ? "refused" : "retry";
}
