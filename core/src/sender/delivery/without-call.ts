// How a command ends, or goes on, without a call of ours: its step says so, or somebody else began its call and is gone. Pure.
import type { Change, CommandRow } from "../ledger/attempts.ts";
import type { Step } from "../schedule/schedule.ts";
import type { CallOutcome, Verdict } from "../schedule/verdict.ts";

type End = Pick<Change, "state" | "errorCode" | "errorText">;

/** What its step says that has become of it. */
export function endOf(step: Extract<Step, { kind: "expire" | "supersede" }>): End {
  switch (step.kind) {
    case "expire":
      return { state: "expired", errorCode: "expired", errorText: "expires_at has passed" };
    case "supersede":
      return { state: "cancelled", errorCode: "superseded", errorText: `a later edit took its place: ${step.by.id}` };
  }
}

/** Nobody knows whether the call of an owner that is gone was made. */
export const interruption = {
  kind: "unknown",
  code: "interrupted",
  text: "the sender ended during the call",
} satisfies CallOutcome;

/** The row's change for the verdict over an interrupted call; `attemptId` is whose call it was. */
export function afterInterruption(row: Pick<CommandRow, "id" | "failures">, attemptId: string, verdict: Verdict): Change {
  const { code: errorCode, text: errorText } = interruption;
  const { id, failures } = row;
  return verdict.kind === "retry"
    ? { id, attemptId, state: "queued", failures: failures + 1, delayMs: verdict.afterMs, errorCode, errorText }
    : { id, attemptId, state: "unknown", failures, errorCode, errorText };
}
