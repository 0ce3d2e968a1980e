// One of two shards loses the bus, and only that one: what comes for its conversations goes into its spool, and a webhook that tells of both
// shards' conversations is answered only when both have stored their part.
import type { Fault } from "../fault.ts";

export const shardCutOff: Fault = {
  name: "shard-cut-off",
  help: "one of two shards cut off from the bus, by reset from 10 % to 35 % of the run and in silence from 55 % to 80 %",
  needs: { wire: true },
  // The Node host has one connection for all its shards.
  onlyOn: "worker",
  async run({ wire, random, at, progress }) {
    if (!wire) throw new Error("shard-cut-off has no wire");
    await at(0.1);
    const shard = Math.floor(random.next() * 2);
    const uplink = new RegExp(`^mio-edge-uplink .*:${shard}$`);
    const { names } = wire;
    const findings = names.some((name) => uplink.test(name))
      ? []
      : [`no uplink is called ${uplink}; there are ${names.join(", ")}`];
    for (const [kind, until, next] of [
      ["cut", 0.35, 0.55],
      ["silent", 0.8, 1],
    ] as const) {
      progress(`shard-cut-off: shard ${shard}: ${kind === "cut" ? "its connections end at once" : "nothing passes any more"}`);
      wire.spoil({ kind }, uplink);
      await at(until);
      wire.mend();
      progress("shard-cut-off: mended");
      await at(next);
    }
    return { figures: { shard }, findings };
  },
};
