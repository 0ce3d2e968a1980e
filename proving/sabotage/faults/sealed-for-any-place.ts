import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "sealed-for-any-place",
  guarantee: "G11",
  description: "seals a value for no place and no version, so that an old or a stranger's one opens under any key",
  file: "shared/src/bus/wire/sealed-value.ts",
  find: '["mio.edge.v1.SealedValue", version, bucket, key, rowVersion, keyId]',
  replace: '["mio.edge.v1.SealedValue", version, keyId]',
  tests: [{ file: "shared/src/bus/wire/sealed-value.test.ts", name: /G11: is refused under another key or bucket/ }],
};
