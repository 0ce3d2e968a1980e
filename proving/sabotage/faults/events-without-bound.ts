import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "events-without-bound",
  guarantee: "G11",
  description: "lets one request make any amount of events",
  file: "edge/src/webhook/webhook.ts",
  find: "if (eventsBytes > eventsBytesMax)",
  replace: "if (eventsBytes < 0)",
  tests: [{ file: "proving/fuzz/fuzz.test.ts", name: /G11: corpus amplified/ }],
};
