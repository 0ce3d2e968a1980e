// G1. No 2xx goes to a platform before the event is durable: faults that answer early, or take for stored what is not.
import type { Fault } from "./fault.ts";

export const g1: readonly Fault[] = [
  {
    name: "answer-after-first-shard",
    description: "answers a webhook of two shards when the first of them has stored its part",
    file: "edge/src/webhook/store-all.ts",
    find: /const results = await Promise\.all\(\n( {4}Array\.from\(shards\.values\(\), .*\)),\n {2}\);/,
    replace: "const results = [await Promise.race(\n$1,\n  )];",
    tests: [
      { file: "edge/src/webhook/webhook.test.ts", name: /G1: answers only after every shard/ },
      { file: "edge/src/webhook/webhook.test.ts", name: /G1: answers 503 when one of two shards/ },
    ],
  },
  {
    name: "answer-before-ack",
    description: "answers the webhooks of a group when it is sent, not when the stream has acknowledged it",
    file: "edge/src/uplink/uplink.ts",
    find: `      const message = this.#messageOf(groupId, group, false);
`,
    replace: `      const message = this.#messageOf(groupId, group, false);
      this.#answer(group, { kind: "stored", spooled: false });
`,
    tests: [{ file: "edge/src/uplink/simulation.test.ts", name: /G1: tells nothing stored/ }],
  },
  {
    name: "answer-before-row",
    description: "answers the webhooks of a group before its row in the spool is committed",
    file: "edge/src/uplink/uplink.ts",
    find: `    const message = this.#messageOf(groupId, group, true);
    const appended =`,
    replace: `    const message = this.#messageOf(groupId, group, true);
    this.#answer(group, { kind: "stored", spooled: true });
    const appended =`,
    tests: [{ file: "edge/src/uplink/simulation.test.ts", name: /G1: tells nothing stored/ }],
  },
  {
    name: "spool-without-bound",
    description: "lets the spool grow beyond its limit of bytes",
    file: "edge/src/uplink/spool.ts",
    find: /bytes \+ message\.body\.length > limits\.spoolBytesMax/,
    replace: "bytes < 0",
    tests: [{ file: "edge/src/uplink/uplink.test.ts", name: /G1: says unavailable when the spool is full/ }],
  },
  {
    name: "storage-error-as-stored",
    description: "answers 2xx although the spool's storage has failed",
    file: "edge/src/uplink/spool.ts",
    find: 'return { kind: "refused", reason: "storage_failed" };',
    replace: 'return { kind: "committed" };',
    tests: [{ file: "edge/src/uplink/simulation.test.ts", name: /G1: tells nothing stored/ }],
  },
  {
    name: "silence-as-acknowledgement",
    description: "takes a publish that nobody answered in time for an acknowledged one",
    file: "edge/src/uplink/flight.ts",
    find: /\{ kind: "not_acknowledged", reason \}/,
    replace: '{ kind: "acknowledged", duplicate: reason === "" }',
    tests: [{ file: "edge/src/uplink/simulation.test.ts", name: /G1: tells nothing stored/ }],
  },
  {
    name: "in-flight-left-hanging",
    description: "lets publishes hang when the connection is lost, instead of failing them at once",
    file: "edge/src/uplink/nats-link.ts",
    find: /( +)if \(!connected\)(?=\n? *for \(const reply of \[\.\.\.this\.#inFlight)/,
    replace: "$1if (this.#closed)",
    tests: [{ file: "edge/src/worker/nats-ws.test.ts", name: /G1: fails what is in flight at once when the connection is lost/ }],
  },
];
