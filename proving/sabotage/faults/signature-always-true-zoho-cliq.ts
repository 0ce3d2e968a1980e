import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "signature-always-true-zoho-cliq",
  guarantee: "G11",
  description: "takes any signature of any scheme for a good one",
  file: "shared/src/channels/zoho-cliq/signature.ts",
  find: 'if (verify && value !== "" && (await verify(request, value, nowMs)))',
  replace: 'if (verify && value !== "" && ((await verify(request, value, nowMs)) || carriesProof(request)))',
  tests: [{ file: "shared/src/channels/zoho-cliq/signature.test.ts", name: /G11: refuses/ }],
};
