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
