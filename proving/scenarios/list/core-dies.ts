// (b) Core dies at each point between two facts; then it is paused at each for longer than the broker remembers message ids, while a
// second core goes on, and wakes up with what it was about to publish in its hands.
import type { NodePart } from "@mio/local/servers/node-part.ts";
import { gone, stopped } from "../../stand/process-state.ts";
import type { Scenario, ScenarioContext } from "../scenario.ts";

/** At "writing" it has asked whether it may write and has not written: what it then sends, only the broker can refuse. */
const points = ["dedup.keys_inserted", "dedup.writing", "dedup.published", "dedup.marked", "dedup.position_moved"] as const;

/**
 * The inbound stream's dedupe window is 120 s, and it begins only when the successor has published, which takes over after 10 s and more.
 * Shorter, and the broker's memory hides a writer that nobody refuses.
 */
const pausedSeconds = 180;
/** Claiming partitions of a dead owner takes 10 s; starting a core a few more. */
const reachedWithinMs = 90_000;

export const coreDies: Scenario = {
  key: "b",
  // One in service, and one for each point to be paused at.
  system: { cores: 1 + points.length },
  title: `core killed with -9 at ${points.length} points, then paused at each for ${pausedSeconds} s while another takes over`,
  async run(context) {
    const { system, progress, seconds } = context;
    const [usual, ...others] = system.cores;
    if (!usual) throw new Error("there is no core");
    await Promise.all(others.map((core) => core.stop()));
    await usual.kill();
    for (const [index, point] of points.entries()) {
      const core = await armed(context, others[index], point, "kill");
      await gone(core.pid, reachedWithinMs);
      progress(`core: died at ${point}`);
    }

    const paused: { core: NodePart; sinceMs: number }[] = [];
    for (const [index, point] of points.entries()) {
      const core = await armed(context, others[index], point, "pause");
      await stopped(core.pid, reachedWithinMs);
      progress(`core: paused at ${point}`);
      paused.push({ core, sinceMs: performance.now() });
    }
    await usual.restart();
    for (const { core, sinceMs } of paused) {
      await seconds(Math.max(0, pausedSeconds - (performance.now() - sinceMs) / 1000));
      core.resume();
      progress(`core: wakes after ${Math.round((performance.now() - sinceMs) / 1000)} s`);
    }
    await seconds(15);
    return [];
  },
};

/** Starts a core that stops itself at a point, after a few passes so that it is at work. */
async function armed(
  { random }: ScenarioContext,
  core: NodePart | undefined,
  point: string,
  how: "kill" | "pause",
): Promise<NodePart> {
  if (!core) throw new Error("there is a core for each point");
  core.env.MIO_CHECKPOINT = `${point}:${how}:${Math.floor(random.next() * 4)}`;
  await core.restart();
  return core;
}
