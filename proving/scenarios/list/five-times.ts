// (e) One webhook comes five times: twice more at once, when the broker has forgotten it, and after core is another process.

import { textOf } from "../../judge/check.ts";
import type { Scenario } from "../scenario.ts";

/** Longer than the broker's dedupe window of 120 s. */
const laterSeconds = 130;

export const fiveTimes: Scenario = {
  key: "e",
  title: `one webhook five times: at once, after ${laterSeconds} s, after a restart of core`,
  async run({ system, extra, progress, seconds }) {
    const posted: { repeat(): Promise<void> }[] = [];
    const findings: string[] = [];
    const check = (what: string, status: number) => {
      if (status < 200 || status > 299) findings.push(`the webhook ${what} was answered ${status}`);
    };
    for (const platform of system.platforms) {
      const conversation = `e-five-${platform.channelType.replaceAll("_", "-")}`;
      const message = { conversation, k: 1, acknowledged: true };
      extra.push(message);
      const { id, answer } = await platform.post({ conversation, user: "ann", text: textOf(conversation, 1) });
      check("at first", answer.status);
      posted.push({
        repeat: async () => check("repeated", (await platform.redeliver({ conversation, id })).answer.status),
      });
    }
    const all = () => Promise.all(posted.map((each) => each.repeat()));
    progress("each twice more, at once");
    await Promise.all([all(), all()]);
    await seconds(laterSeconds);
    progress(`each once more, ${laterSeconds} s later`);
    await all();
    progress("core: restart");
    await system.core.restart();
    await all();
    progress("each once more, to another core");
    return findings;
  },
};
