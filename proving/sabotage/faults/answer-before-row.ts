import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "answer-before-row",
  guarantee: "G1",
  description: "answers the webhooks of a group before its row in the spool is committed",
  file: "edge/src/uplink/uplink.ts",
  find: `    const message = this.#messageOf(groupId, group, true);
    const appended =`,
  replace: `    const message = this.#messageOf(groupId, group, true);
    this.#answer(group, { kind: "stored", spooled: true });
    const appended =`,
  tests: [{ file: "edge/src/uplink/simulation.test.ts", name: /G1: tells nothing stored/ }],
};
