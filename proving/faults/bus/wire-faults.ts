// Three ways in which the wire to the bus goes bad without breaking: everything that is answered meanwhile is answered from the spool.
import type { WireFault } from "../../kit/wire/wire.ts";
import type { Fault } from "../fault.ts";

const from = 0.2;
const until = 0.7;

export const busSlow = wireFault("bus-slow", "every answer of the bus held for 30 s, from 20 % to 70 % of the run", {
  kind: "answers_held",
  ms: 30_000,
});

export const bytesSwallowed = wireFault(
  "bytes-swallowed",
  "a proxy swallows what the edge says to the bus, from 20 % to 70 % of the run",
  { kind: "requests_swallowed" },
);

export const acksSwallowed = wireFault(
  "acks-swallowed",
  "a proxy lets everything through to the bus and swallows its answers, from 20 % to 70 % of the run",
  { kind: "answers_swallowed" },
);

function wireFault(name: string, help: string, fault: WireFault): Fault {
  return {
    name,
    help,
    needs: { wire: true },
    async run({ wire, at, progress }) {
      if (!wire) throw new Error(`${name} has no wire`);
      await at(from);
      const startMs = performance.now();
      wire.spoil(fault);
      progress(`${name}: begins`);
      await at(until);
      wire.mend();
      const spoilt = wire.spoiltBytes;
      progress(`${name}: mended`);
      return {
        figures: { spoilt_ms: Math.round(performance.now() - startMs), spoilt_bytes: spoilt },
        findings: spoilt === 0 ? ["nothing went over the wire meanwhile"] : [],
      };
    },
  };
}
