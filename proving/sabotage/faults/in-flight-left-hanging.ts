import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "in-flight-left-hanging",
  guarantee: "G1",
  description: "lets publishes hang when the connection is lost, instead of failing them at once",
  file: "edge/src/uplink/nats-link.ts",
  find: /( +)if \(!connected\)(?=\n? *for \(const reply of \[\.\.\.this\.#inFlight)/,
  replace: "$1if (this.#closed)",
  tests: [{ file: "edge/src/worker/nats-ws.test.ts", name: /G1: fails what is in flight at once when the connection is lost/ }],
};
