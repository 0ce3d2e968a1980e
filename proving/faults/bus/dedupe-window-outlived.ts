// The worst of outages for "exactly once": it begins with a group that the bus has and whose acknowledgement never came, the edge is killed
// meanwhile, and it lasts longer than the bus remembers message ids. The group stands on the ingress stream twice, and core must see that.

import { streams } from "@mio/shared/bus/names/streams.ts";
import { decodeIngressEvent, decodeIngressGroup } from "@mio/shared/bus/wire/ingress-group.ts";
import type { NatsConnection } from "../../kit/bus/client.ts";
import { killEdge } from "../../stand/kill-edge.ts";
import { restarted } from "../../stand/restarted.ts";
import type { Fault } from "../fault.ts";

const windowMs = 2_000;
/** Longer than the deadline of a publish, so that groups are in the spool whose publish the bus has stored. */
const unknownMs = 1_500;
const awayMs = 8_000;

export const dedupeWindowOutlived: Fault = {
  name: "dedupe-window-outlived",
  help: "an outage longer than the (shortened) dedupe window that begins with a group of unknown outcome, the edge killed meanwhile",
  needs: { wire: true },
  edgeDies: true,
  secondsMin: 20,
  async run({ system, wire, nats, onBus, at, pause, progress, signal }) {
    if (!wire) throw new Error("dedupe-window-outlived has no wire");
    const stream = streams.ingress.name;
    const { duplicate_window: usual } = (await onBus((bus) => bus.streams.info(stream))).config;
    await onBus((bus) => bus.streams.update(stream, { duplicate_window: windowMs * 1_000_000 }));
    await at(0.25);
    wire.spoil({ kind: "answers_swallowed" });
    await pause(unknownMs);
    await system.nats.kill();
    const startMs = performance.now();
    wire.mend();
    progress("dedupe-window-outlived: acknowledgements were swallowed, the bus is killed");
    await pause(1_000);
    await killEdge(system.edge);
    await restarted(system.edge, signal);
    progress("dedupe-window-outlived: the edge was killed and is back");
    await pause(awayMs - (performance.now() - startMs));
    await system.nats.restart();
    const tookMs = Math.round(performance.now() - startMs);
    progress(`dedupe-window-outlived: the bus is back after ${tookMs} ms`);
    await at(0.9);
    const twice = await publishedTwice(nats, stream);
    await onBus((bus) => bus.streams.update(stream, { duplicate_window: usual }));
    return {
      figures: { window_ms: windowMs, away_ms: tookMs, events_stored_twice: twice },
      findings: twice === 0 ? ["no event was stored twice: the outage did not outlive the window"] : [],
    };
  },
};

/** Events that stand on the stream in a group that went straight there and in one from the spool; the spool may have merged its groups. */
async function publishedTwice(nats: NatsConnection, stream: string): Promise<number> {
  const jsm = await nats.jetstreamManager();
  const { last_seq: last, messages } = (await jsm.streams.info(stream)).state;
  if (messages === 0) return 0;
  const straight = new Set<string>();
  const spooled = new Set<string>();
  const consumer = await nats.jetstream().consumers.get(stream);
  const incoming = await consumer.consume({ max_messages: 1_000 });
  for await (const message of incoming) {
    const decoded = decodeIngressGroup(message.data);
    for (const bytes of decoded.kind === "group" ? decoded.group.events : []) {
      const event = decodeIngressEvent(bytes);
      if (event.kind === "event" && decoded.kind === "group")
        (decoded.group.spooled ? spooled : straight).add(event.event.messageId);
    }
    if (message.seq >= last) break;
  }
  await incoming.close();
  await consumer.delete().catch(() => false);
  return [...spooled].filter((id) => straight.has(id)).length;
}
