import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "publish-without-fence",
  guarantee: "G3",
  description: "publishes without the expected last sequence of the subject, so the broker refuses no writer that is behind",
  file: "shared/src/bus/write/fenced-publish.ts",
  find: "          expectedLastSubjectSequence: expected,\n",
  replace: "",
  tests: [
    { file: "shared/src/bus/write/fenced-publish.test.ts", name: /G3: refuses an owner that was paused while another went on/ },
    { file: "core/src/dedup/paused.test.ts", name: /G3, G4: what it was about to write is refused/ },
  ],
};
