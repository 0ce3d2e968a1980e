// The bus is away for long, in three ways: what is answered meanwhile lies in the spool, and drains in order. (An hour is proven with a virtual
// clock, in edge/src/uplink/simulation.test.ts.)
import type { NatsServer } from "@mio/local/servers/nats-server.ts";
import type { Fault } from "../fault.ts";

const from = 0.1;
const away = { usual: 20, max: 3_000 };

export const busAway = outage({
  name: "bus-away",
  help: "nats-server killed with -9 after a tenth of the run, and away for :<count> seconds",
  count: away,
  begin: (nats) => nats.kill(),
  end: (nats) => nats.restart(),
});

export const busPaused = outage({
  name: "bus-paused",
  help: "nats-server paused after a tenth of the run, for :<count> seconds: it keeps its connections and says nothing",
  count: away,
  begin: async (nats) => nats.pause(),
  end: async (nats) => nats.resume(),
});

/** What was sent to it meanwhile lies in its sockets, and dies with it: only what it acknowledged counts. */
export const busHung = outage({
  name: "bus-hung",
  help: "nats-server paused after a tenth of the run for :<count> seconds, then killed with -9 and restarted",
  count: { ...away, usual: 8 },
  begin: async (nats) => nats.pause(),
  async end(nats) {
    await nats.kill();
    await nats.restart();
  },
});

interface Outage extends Pick<Fault, "name" | "help" | "count"> {
  begin(nats: NatsServer): Promise<void>;
  end(nats: NatsServer): Promise<void>;
}

function outage({ begin, end, ...record }: Outage): Fault {
  const { name } = record;
  return {
    ...record,
    async run({ system, count, seconds, at, pause, progress }) {
      await at(from);
      const startMs = performance.now();
      await begin(system.nats);
      progress(`${name}: for ${count} s`);
      await pause(count * 1_000);
      await end(system.nats);
      const awayMs = Math.round(performance.now() - startMs);
      progress(`${name}: the bus is back after ${awayMs} ms`);
      const findings =
        from * seconds + count > seconds ? ["the load had ended before the bus came back: give more --seconds"] : [];
      return { figures: { away_ms: awayMs }, findings };
    },
  };
}
