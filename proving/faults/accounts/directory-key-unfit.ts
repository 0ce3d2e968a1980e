// The edge comes back with an opening key that does not fit, as after a slip of an operator's hand: it says "come again" to everybody, never
// "unknown", and goes on with the right one.
import { randomBytes } from "node:crypto";
import { restarted } from "../../stand/restarted.ts";
import type { Fault } from "../fault.ts";

export const directoryKeyUnfit: Fault = {
  name: "directory-key-unfit",
  help: "the edge restarted with an opening key that does not fit at 20 % of the run, and with the right one at 40 %",
  edgeDies: true,
  async run({ system, load, at, progress, signal }) {
    const { edge } = system;
    await at(0.2);
    edge.env.DIRECTORY_KEYS = `local-1:${randomBytes(32).toString("base64")}`;
    await restarted(edge, signal);
    const fromMs = performance.now();
    progress("directory-key-unfit: the edge has a key that does not fit");
    await at(0.4);
    const untilMs = performance.now();
    delete edge.env.DIRECTORY_KEYS;
    await restarted(edge, signal);
    const backMs = performance.now();
    progress("directory-key-unfit: the edge has the right key");
    const attempts = load.messages.flatMap((message) => message.attempts);
    const meanwhile = attempts.filter(({ sentMs, answeredMs }) => sentMs > fromMs && answeredMs < untilMs);
    const count = (status: number) => meanwhile.filter((attempt) => attempt.status === status).length;
    const strange = attempts.filter(({ status }) => status === 401 || status === 404).length;
    return {
      figures: { answered_503: count(503), answered_200: count(200), restart_ms: Math.round(backMs - untilMs) },
      findings: [
        ...(strange > 0 ? [`${strange} webhooks were answered 401 or 404`] : []),
        ...(count(200) > 0 ? [`${count(200)} webhooks were accepted with a key that opens nothing`] : []),
        ...(count(503) === 0 ? ["no webhook was answered 503 meanwhile"] : []),
      ],
    };
  },
};
