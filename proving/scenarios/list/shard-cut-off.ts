// (j) One of two shards loses the bus while webhooks carry conversations of both: each is answered only when both have stored it, and
// neither conversation loses its order.

import { readText, type Seen, textOf } from "../../judge/check.ts";
import type { SimulatorClient } from "../../stand/simulator-client.ts";
import { startLoad } from "../load.ts";
import type { Scenario } from "../scenario.ts";

const cutSeconds = 15;
const pairs = { lanes: 20, rate: 60 };

export const shardCutOff: Scenario = {
  key: "j",
  title: "one shard cut off while webhooks carry two conversations",
  system: { channels: ["zoho_cliq", "slack", "telegram", "test"], proxy: true },
  rename: ofPair,
  async run({ system, random, extra, progress, seconds }) {
    const { proxy, testPlatform } = system;
    if (!proxy || !testPlatform) throw new Error("the scenario has no proxy or no test platform");
    const load = startLoad({
      platforms: [pairPlatform(testPlatform)],
      conversations: pairs.lanes,
      rate: pairs.rate,
      prefix: "j-pair",
      random,
    });
    const findings: string[] = [];
    await seconds(5);
    const shard = Math.floor(random.next() * 2);
    const name = new RegExp(`^mio-edge-uplink .*:${shard}$`);
    if (!proxy.names.some((each) => name.test(each)))
      findings.push(`no uplink is called ${name}; there are ${proxy.names.join(", ")}`);
    for (const kind of ["cut", "silent"] as const) {
      progress(
        `shard ${shard} is cut off, ${kind === "cut" ? "its connections end at once" : "nothing passes and nobody is told"}`,
      );
      proxy.spoil({ kind }, name);
      await seconds(cutSeconds);
      proxy.mend();
      progress("mended");
      await seconds(10);
    }
    const report = await load.stop();
    progress(`${report.webhooks} webhooks carried two conversations; slowest ${report.slowestMs} ms, ${report.refused} refused`);
    for (const { conversation, k, acknowledged } of report.messages) {
      for (const end of ["a", "b"]) extra.push({ conversation: `${conversation}-${end}`, k, acknowledged });
    }
    if (report.messages.length === 0) findings.push("no webhook carried two conversations");
    return findings;
  },
};

/** A platform that writes every message into two conversations, told in one webhook. */
function pairPlatform(test: SimulatorClient) {
  return {
    channelType: test.channelType,
    post: ({ conversation, user, text }: { conversation: string; user: string; text: string }) =>
      test.postPair({ conversations: [`${conversation}-a`, `${conversation}-b`], user, text }),
    redeliver: ({ conversation, id }: { conversation: string; id: string }) =>
      test.redeliver({ conversation: `${conversation}-a`, id }),
  };
}

/** Both messages of a pair have one text; the conversation tells them apart. */
function ofPair(seen: Seen): Seen {
  const known = readText(seen.text);
  if (!known || !seen.conversationExternalId.startsWith(`${known.conversation}-`)) return seen;
  return { ...seen, text: textOf(seen.conversationExternalId, known.k) };
}
