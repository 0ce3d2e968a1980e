// An edge that was deployed before core: a group of a version that core does not know. Core stands still on its shard, says so, and passes
// nothing over. Here no newer core is there to be deployed: the group is taken away, core restarted, and it goes on where it stood.
import { create, toBinary } from "@bufbuild/protobuf";
import { IngressGroupSchema } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { streams } from "@mio/shared/bus/names/streams.ts";
import { ingressSubject } from "@mio/shared/bus/names/subjects.ts";
import { edgeVersion } from "@mio/shared/bus/wire/ingress-group.ts";
import { msUntil } from "../../stand/ms-until.ts";
import { restarted } from "../../stand/restarted.ts";
import type { Fault } from "../fault.ts";

const region = "local";
const saidWithinMs = 20_000;

export const newerGroup: Fault = {
  name: "newer-group",
  help: "a group of a newer version on the ingress stream from 20 % of the run on, taken away with a restart of core at 60 %",
  secondsMin: 20,
  async run({ system, nats, onBus, random, at, progress, signal }) {
    const findings: string[] = [];
    const shard = random.next() < 0.5 ? 0 : 1;
    const core = system.info().core;
    const isReady = async () => (await fetch(`${core}/health/ready`).catch(() => undefined))?.status === 200;
    await at(0.2);
    const group = { version: edgeVersion + 1, id: `newer-${random.next()}`, region, shard, generation: 1n };
    const published = await nats
      .jetstream()
      .publish(ingressSubject(region, shard), toBinary(IngressGroupSchema, create(IngressGroupSchema, group)));
    progress(`newer-group: at ${published.seq} of shard ${shard}`);
    const alarmMs = await msUntil("core says it", async () => !(await isReady()), saidWithinMs);
    if (alarmMs === undefined) findings.push("core did not say that it stands still");
    await at(0.6);
    if (alarmMs !== undefined && (await isReady())) findings.push("core went on although the group is still there");
    await onBus((bus) => bus.streams.deleteMessage(streams.ingress.name, published.seq, false));
    await Promise.all(system.cores.map((core) => restarted(core, signal)));
    progress("newer-group: taken away, core restarted");
    const onMs = await msUntil("core goes on", isReady, saidWithinMs);
    if (onMs === undefined) findings.push("core still stands although the group is gone");
    const deadLetters = (await onBus((bus) => bus.streams.info(streams.deadLetter.name))).state.messages;
    if (deadLetters > 0) findings.push(`${deadLetters} dead letters: what is only newer was given up`);
    return { figures: { shard, alarm_after_ms: alarmMs ?? "never", went_on_after_ms: onMs ?? "never" }, findings };
  },
};
