import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "doubled-header-read-once",
  guarantee: "G11",
  description: "reads the first of a doubled header on the Node host, so that a forged one may hide behind a good one",
  file: "edge/src/node/http/http.ts",
  find: 'headers[name.toLowerCase()]?.join(", ") ?? null',
  replace: "headers[name.toLowerCase()]?.[0] ?? null",
  tests: [{ file: "edge/src/node/http/http.test.ts", name: /G11: hands over method, path, headers/ }],
};
