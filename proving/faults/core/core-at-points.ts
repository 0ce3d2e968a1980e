// Core dies at each point between two facts; or it is paused at each for longer than the broker remembers message ids, while a second core
// goes on, and wakes up with what it was about to publish in its hands.
import type { NodePart } from "@mio/local/servers/node-part.ts";
import { gone, stopped } from "../../stand/process-state.ts";
import type { Fault, FaultContext } from "../fault.ts";

/** At "writing" it has asked whether it may write and has not written: what it then sends, only the broker can refuse. */
export const points = [
  "dedup.keys_inserted",
  "dedup.writing",
  "dedup.published",
  "dedup.marked",
  "dedup.position_moved",
] as const;

/**
 * The inbound stream's dedupe window is 120 s, and it begins only when the successor has published, which takes over after 10 s and more.
 * Shorter, and the broker's memory hides a writer that nobody refuses.
 */
export const pausedSeconds = 180;
/** Claiming partitions of a dead owner takes 10 s; starting a core a few more. */
const reachedWithinMs = 90_000;
/** What wakes has its time to do harm while the load goes on. */
const awakeMs = 15_000;

/** One in service, and one for each point. */
const needs = { cores: 1 + points.length };

export const coreKilledAtPoints: Fault = {
  name: "core-killed-at-points",
  help: `core killed with -9 at each of ${points.length} points between two of its facts, one after the other`,
  needs,
  secondsMin: 120,
  async run(context) {
    await context.at(0.05);
    const { usual, others } = await aside(context);
    for (const [index, point] of points.entries()) {
      const core = await armed(context, others[index], point, "kill");
      await gone(core.pid, reachedWithinMs);
      context.progress(`core-killed-at-points: died at ${point}`);
    }
    await usual.restart();
    return { figures: { kills: points.length }, findings: [] };
  },
};

export const coreWakesAtPoints: Fault = {
  name: "core-wakes-at-points",
  help: `core paused at each of these points for ${pausedSeconds} s, while another takes over, and awake again`,
  needs,
  secondsMin: 300,
  async run(context) {
    const { progress, pause } = context;
    await context.at(0.05);
    const { usual, others } = await aside(context);
    const paused: { core: NodePart; sinceMs: number }[] = [];
    for (const [index, point] of points.entries()) {
      const core = await armed(context, others[index], point, "pause");
      await stopped(core.pid, reachedWithinMs);
      progress(`core-wakes-at-points: paused at ${point}`);
      paused.push({ core, sinceMs: performance.now() });
    }
    await usual.restart();
    for (const { core, sinceMs } of paused) {
      await pause(pausedSeconds * 1_000 - (performance.now() - sinceMs));
      core.resume();
      progress(`core-wakes-at-points: awake after ${Math.round((performance.now() - sinceMs) / 1_000)} s`);
    }
    await pause(awakeMs);
    return { figures: { pauses: points.length, paused_s: pausedSeconds }, findings: [] };
  },
};

/** No core is left at work: the one in service was killed, the others stopped in peace. */
async function aside({ system }: FaultContext): Promise<{ usual: NodePart; others: readonly NodePart[] }> {
  const [usual, ...others] = system.cores;
  if (!usual) throw new Error("there is no core");
  await Promise.all(others.map((core) => core.stop()));
  await usual.kill();
  return { usual, others };
}

/** Starts a core that stops itself at a point, after a few passes so that it is at work. */
async function armed(
  { random }: FaultContext,
  core: NodePart | undefined,
  point: string,
  how: "kill" | "pause",
): Promise<NodePart> {
  if (!core) throw new Error("there is a core for each point");
  core.env.MIO_CHECKPOINT = `${point}:${how}:${Math.floor(random.next() * 4)}`;
  await core.restart();
  return core;
}
