// G3. Each event appears exactly once to its readers: faults that let it appear again.
import type { Fault } from "./fault.ts";

export const g3: readonly Fault[] = [
  {
    name: "publish-without-fence",
    description: "publishes without the expected last sequence of the subject, so the broker refuses no writer that is behind",
    file: "shared/src/bus/write/fenced-publish.ts",
    find: "          expectedLastSubjectSequence: expected,\n",
    replace: "",
    tests: [
      { file: "shared/src/bus/write/fenced-publish.test.ts", name: /G3: refuses an owner that was paused while another went on/ },
      { file: "core/src/dedup/paused.test.ts", name: /G3, G4: what it was about to write is refused/ },
    ],
  },
  {
    name: "older-stream-not-searched",
    description: "media-vault takes whatever stands behind another stream's message for not published",
    file: "core/src/media-vault/service.ts",
    find: "      notBeforeMs: message.receivedAt ? timestampMs(message.receivedAt) : 0,\n",
    replace: "",
    tests: [{ file: "core/src/media-vault/service.test.ts", name: /G3\b.*an inbound stream that is recreated/ }],
  },
  {
    name: "living-owner-taken-over",
    description: "takes a partition from an owner that has renewed it since it was first seen",
    file: "shared/src/bus/read/ownership/claims.ts",
    find: "before?.value === value ? before",
    replace: "before !== undefined ? before",
    tests: [{ file: "shared/src/bus/read/ownership/claims.test.ts", name: /G3: only by a silence/ }],
  },
];
