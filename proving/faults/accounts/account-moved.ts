// The account moves to more shards, or to another region, while its webhooks come in. Conversations that change their place hear 503 for a
// moment; nothing is lost, doubled or reordered by it.
import * as v from "valibot";
import { longestRefusedMs } from "../../judge/longest-refused.ts";
import { msUntil } from "../../stand/ms-until.ts";
import type { Fault, FaultContext, FaultOutcome } from "../fault.ts";

const overWithinMs = 60_000;

export const shardsMoved: Fault = {
  name: "shards-moved",
  help: "mio account move --shards 3, at 30 % of the run; the longest time that a conversation was answered 503 is reported",
  run: (context) => move(context, "--shards", "3"),
};

export const regionMoved: Fault = {
  name: "region-moved",
  help: "mio account move --region elsewhere, at 60 % of the run; the same",
  run: (context) => move(context, "--region", "elsewhere"),
};

const shown = v.object({ move: v.object({ closed_by: v.array(v.string()), waits_for: v.array(v.unknown()) }) });

async function move({ account, mio, at, load, progress }: FaultContext, option: string, value: string): Promise<FaultOutcome> {
  await at(option === "--shards" ? 0.3 : 0.6);
  const startMs = performance.now();
  await mio("account", "move", account.account_id, option, value);
  progress(`account moves: ${option} ${value}`);
  const tookMs = await msUntil(
    "the move is over",
    async () => {
      const { move: now } = v.parse(shown, await mio("account", "show", account.account_id));
      return now.closed_by.length > 0 && now.waits_for.length === 0;
    },
    overWithinMs,
  );
  progress(tookMs === undefined ? "the move is not over" : `the move is over after ${tookMs} ms`);
  await at(1);
  const since = load.messages.map(({ conversation, attempts }) => {
    return { conversation, attempts: attempts.filter(({ sentMs }) => sentMs > startMs) };
  });
  const refused = since.flatMap(({ attempts }) => attempts).filter(({ status }) => status === 503).length;
  const longest = longestRefusedMs(since);
  return {
    figures: {
      over_after_ms: tookMs ?? "never",
      answered_503: refused,
      longest_503_at_least_ms: longest.at_least,
      longest_503_at_most_ms: longest.at_most,
    },
    findings: tookMs === undefined ? [`the move was not over within ${overWithinMs / 1_000} s`] : [],
  };
}
