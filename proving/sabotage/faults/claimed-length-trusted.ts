import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "claimed-length-trusted",
  guarantee: "G11",
  description: "reads a body in chunks whole because a header claims that it is short",
  file: "edge/src/webhook/body.ts",
  find: 'length !== null && !request.headers.has("transfer-encoding")',
  replace: "length !== null",
  tests: [{ file: "edge/src/worker/sockets.test.ts", name: /whatever length it claims/ }],
};
