import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "lanes-off",
  guarantee: "G4",
  description: "gives every record a lane of its own, so messages of one conversation are handled side by side",
  file: "shared/src/bus/read/lanes.ts",
  find: "const key = laneOf(record);",
  replace: "const key = String(record.sequence);",
  tests: [
    { file: "shared/src/bus/read/lanes.test.ts", name: /G4: handle a conversation.s records one after another/ },
    { file: "sdk/typescript/src/connect.test.ts", name: /G4: hands over each conversation in order/ },
  ],
};
