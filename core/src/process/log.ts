// One structured line per message per service, with ids, outcome and duration; never a text and never a secret.
import { type Logger, pino } from "pino";

/** JSON lines on standard output. Field names are the project's terms: account_id, conversation_id, outcome, duration_ms. */
export function createLog(level: "debug" | "info" | "warn" | "error", instance: string): Logger {
  return pino({
    level,
    base: { instance },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}

const traceparentPattern = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The trace that a W3C `traceparent` names, for log lines; undefined when it names none. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  return traceparent === undefined ? undefined : traceparentPattern.exec(traceparent)?.[1];
}
