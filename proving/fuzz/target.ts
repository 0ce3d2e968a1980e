// What hostile requests are sent to, and the verdict on one of them.

import { hostileSecrets } from "./directory.ts";
import { type HostileCase, type HostileRequest, requestOf } from "./hostile-case.ts";
import { complaint, indiscretion, type Observed } from "./judge.ts";

export interface Seen extends Observed {
  /** Logged since the request before. */
  lines: readonly string[];
}

export interface HostileTarget extends AsyncDisposable {
  /** By which requests are signed. */
  nowMs(): number;
  /** Undefined for what this target cannot be told at all. */
  send(request: HostileRequest): Promise<Seen | undefined>;
}

export interface Judgement {
  seen: Seen | undefined;
  /** What is wrong, as a sentence. */
  complaint: string | undefined;
}

/** Never rejects: a target that throws is one that did not answer. */
export async function judged(target: HostileTarget, hostile: HostileCase): Promise<Judgement> {
  const nowMs = target.nowMs();
  const request = requestOf(hostile, nowMs);
  try {
    const seen = await target.send(request);
    return { seen, complaint: seen && (complaint(request, seen, nowMs) ?? indiscretion(seen.lines, hostileSecrets)) };
  } catch (error) {
    return { seen: undefined, complaint: `the target threw: ${error instanceof Error ? error.message : String(error)}` };
  }
}
