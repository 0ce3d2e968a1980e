import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "body-without-deadline",
  guarantee: "G1",
  description: "waits in the Worker for a slow body as long as its client likes",
  file: "edge/src/webhook/body.ts",
  find: 'await within(clock, bodyWithinMs, readBody(request), { kind: "too_slow" } as const)',
  replace: "await readBody(request)",
  tests: [{ file: "edge/src/worker/sockets.test.ts", name: /waits for nobody longer/ }],
};
