import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "answer-before-ack",
  guarantee: "G1",
  description: "answers the webhooks of a group when it is sent, not when the stream has acknowledged it",
  file: "edge/src/uplink/uplink.ts",
  find: `      const message = this.#messageOf(groupId, group, false);
`,
  replace: `      const message = this.#messageOf(groupId, group, false);
      this.#answer(group, { kind: "stored", spooled: false });
`,
  tests: [{ file: "edge/src/uplink/simulation.test.ts", name: /G1: tells nothing stored/ }],
};
