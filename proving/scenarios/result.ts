// What a scenario came to, for `--json` and for the table: the run's report, in this command's own names.
import type { Judgement } from "../judge/check.ts";
import type { RunResult } from "../stand/run.ts";
import type { Scenario } from "./scenarios.ts";

export interface ScenarioResult extends Judgement {
  key: string;
  title: string;
  webhooks: number;
  messages: number;
  slowestMs: number;
  /** Other than 2xx, and repeated until 2xx. */
  refused: number;
  unanswered: number;
  /** The longest from a message's first request to its 2xx. */
  slowestUntilAcknowledgedMs: number;
  durationSeconds: number;
  faults: RunResult["report"]["faults"];
  /** Why it failed; empty when it passed. */
  failures: string[];
  /** Where the logs of a failed run are. */
  dataDir?: string;
}

export function resultOf({ key, title }: Scenario, { report, judgement, messages, dataDir }: RunResult): ScenarioResult {
  const { statuses, unanswered, failures, faults } = report;
  const delivered = Object.entries(statuses).filter(([status]) => /^2\d\d$/.test(status));
  const untilAcknowledged = messages.map(({ times }) => (times?.acknowledgedMs ?? 0) - (times?.firstRequestMs ?? 0));
  return {
    key,
    title,
    ...judgement,
    webhooks: report.webhooks,
    messages: report.messages,
    slowestMs: Math.round(report.answer_ms.max),
    refused: report.webhooks - unanswered - delivered.reduce((sum, [, count]) => sum + count, 0),
    unanswered,
    slowestUntilAcknowledgedMs: Math.round(untilAcknowledged.reduce((a, b) => Math.max(a, b), 0)),
    durationSeconds: report.seconds,
    faults,
    failures,
    ...(dataDir === undefined ? {} : { dataDir }),
  };
}
