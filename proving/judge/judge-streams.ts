// Both streams that consumers read, judged once everything has arrived there.
import { setTimeout as sleep } from "node:timers/promises";
import { streams } from "@mio/shared/bus/names/streams.ts";
import type { NatsConnection } from "../kit/bus/client.ts";
import { type Judgement, joinJudgements, judge, type Seen, type Sent } from "./check.ts";
import { StreamWitness } from "./witness.ts";

/** After the last fault, everything acknowledged has to be on both streams within this. */
const arriveWithinMs = 120_000;
/** And this long nothing more may come. */
const settleMs = 3_000;

/** Waits until all acknowledged messages are on both streams and nothing more comes; judges what is there then, in any case. */
export async function judgeStreams(
  nats: NatsConnection,
  sent: readonly Sent[],
  rename: (seen: Seen) => Seen = (seen) => seen,
): Promise<Judgement> {
  const witnesses = [streams.inbound.name, streams.enriched.name].map((stream) => new StreamWitness(nats, stream));
  const look = async () => {
    const judged: Record<string, Judgement> = {};
    let count = 0;
    for (const witness of witnesses) {
      const seen = await witness.look();
      judged[witness.stream] = judge(sent, seen.map(rename));
      count += seen.length;
    }
    return { count, judgement: joinJudgements(judged) };
  };
  const deadline = performance.now() + arriveWithinMs;
  let before = await look();
  let quietSinceMs = performance.now();
  for (;;) {
    await sleep(500);
    const now = await look();
    if (now.count !== before.count) quietSinceMs = performance.now();
    before = now;
    const quiet = performance.now() - quietSinceMs >= settleMs;
    if ((now.judgement.lost.length === 0 && quiet) || performance.now() > deadline) return now.judgement;
  }
}
