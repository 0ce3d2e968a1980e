import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "random-command-ids",
  guarantee: "G6",
  description: "makes command ids by chance instead of computing them from the message that is answered",
  file: "shared/src/ids.ts",
  find: /const hash = sha256\(.*`\$\{group\}.*\)\.slice\(0, 10\);/,
  replace: "const hash = crypto.getRandomValues(new Uint8Array(10));",
  tests: [
    { file: "sdk/typescript/src/command.test.ts", name: /G6: makes the same command ids/ },
    { file: "sdk/typescript/src/connect.test.ts", name: /G6: makes nothing twice when an agent died/ },
  ],
};
