// One webhook comes five times: twice more at once, when the broker has forgotten it, and after core is another process.
import { eventually } from "../../kit/time/eventually.ts";
import { isDelivered } from "../../load/load.ts";
import type { Fault } from "../fault.ts";

/** Longer than the broker's dedupe window of 120 s. */
export const laterSeconds = 130;
const answeredWithinMs = 10_000;

export const fiveTimes: Fault = {
  name: "five-times",
  help: `one webhook five times: three at once, one after ${laterSeconds} s, one after a restart of core`,
  async run({ system, platforms, load, at, pause, progress }) {
    await at(0.1);
    const written = await Promise.all(
      platforms.map(async (platform) => {
        const conversation = `five-${platform.channel.replaceAll("_", "-")}`;
        const message = await load.write(platform, { conversation, k: 1, user: "ann" });
        await eventually("the first is answered", () => message.attempts.length > 0, answeredWithinMs);
        return { platform, message };
      }),
    );
    const again = () =>
      Promise.all(
        written.map(({ platform, message: { conversation, id } }) => platform.redeliver({ conversation, id, wait: true })),
      );
    progress("five-times: each twice more, at once");
    await Promise.all([again(), again()]);
    await pause(laterSeconds * 1_000);
    progress(`five-times: each once more, ${laterSeconds} s later`);
    await again();
    progress("five-times: core restarts");
    await system.core.restart();
    await again();
    progress("five-times: each once more, to another core");
    const attempts = written.flatMap(({ message }) => message.attempts);
    const refused = attempts.filter((attempt) => !isDelivered(attempt));
    return {
      figures: { webhooks: attempts.length, refused: refused.length },
      findings: refused.map(({ status }) => `a webhook that came again was answered ${status}`),
    };
  },
};
