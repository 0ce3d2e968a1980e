// How the simulated platform says no: the exact bodies, statuses and sentences of the Bot API.
import type { ApiAnswer } from "../../simulator/api-call.ts";

export function granted(result: unknown, description?: string): ApiAnswer {
  return { response: Response.json({ ok: true, result, ...(description === undefined ? {} : { description }) }) };
}

export function refused(errorCode: number, description: string, parameters?: Record<string, number>): ApiAnswer {
  const body = { ok: false, error_code: errorCode, description, ...(parameters ? { parameters } : {}) };
  const headers: Record<string, string> =
    parameters?.retry_after === undefined ? {} : { "Retry-After": String(parameters.retry_after) };
  return { response: Response.json(body, { status: errorCode, headers }), error: description };
}

export function badRequest(reason: string): ApiAnswer {
  return refused(400, `Bad Request: ${reason}`);
}

/** Telegram counts in whole seconds, and never says 0. */
export function tooManyRequests(retryAfterMs: number): ApiAnswer {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  return refused(429, `Too Many Requests: retry after ${seconds}`, { retry_after: seconds });
}

export function unavailable(): ApiAnswer {
  return refused(503, "Service Unavailable");
}
