// One word a concept: words that were given up, and what the house says in their place. Identifiers of shipped code and of proving are read;
// prose and texts are not. Wire, columns and buckets may still say an old word: where they are read or written, the file is an exception.
import { expect, it } from "vitest";
import { shippedFilesIn, sourceOf } from "./imports.ts";

interface GivenUp {
  /** A whole word of identifiers, as `bell` is of `createBell`. */
  word: string;
  say: string;
  /** Files at a border, and how often each says it. */
  borders?: Readonly<Record<string, number>>;
}

const givenUp: readonly GivenUp[] = [
  { word: "bell", say: "notifier" },
  { word: "deaf", say: "unsubscribe" },
  { word: "hook", say: "WebhookContext" },
  { word: "handled", say: "CommandRecord" },
  { word: "pressure", say: "Backlog in core, EdgeHealth at the edge" },
  { word: "told", say: "published, reported, or what it is" },
  { word: "patience", say: "a deadline" },
  { word: "misfortune", say: "an injected fault" },
  { word: "batcher", say: "a group commit" },
  { word: "letter", say: "dead letter" },
  {
    word: "generation",
    say: "streamEpochMs of a stream, layoutVersion of an account's layout",
    borders: {
      "core/src/accounts/accounts.ts": 1,
      "core/src/accounts/for-directory.ts": 1,
      "core/src/accounts/layouts.ts": 1,
      "core/src/directory/directory-values.ts": 2,
      "core/src/control/accounts/move.ts": 2,
      "core/src/dedup/plan.ts": 1,
      "edge/src/directory/directory-copy.ts": 1,
      "edge/src/directory/directory-store.ts": 3,
      "edge/src/uplink/closings/closing-store.ts": 2,
      "edge/src/uplink/closings/closings.ts": 1,
      "edge/src/uplink/drain-group.ts": 4,
      "edge/src/uplink/layout.ts": 1,
      "edge/src/uplink/uplink-telemetry.ts": 1,
      "proving/bench/edge/directory.ts": 1,
      "proving/faults/bus/newer-group.ts": 1,
      "proving/fuzz/directory.ts": 1,
      "proving/kit/claims/route-claims.ts": 1,
      "proving/kit/edge/bus.ts": 2,
      "proving/kit/uplink/moving-world.ts": 1,
      "shared/src/bus/read/ownership/entries.ts": 4,
      "shared/src/bus/wire/ingress-group.ts": 1,
    },
  },
  {
    word: "unopened",
    say: "openFailures",
  },
];

/** Sabotage finds by texts of other files, which are not its own words. */
const files = ["shared/src", "edge/src", "core/src", "sdk/typescript", "local", "proving"]
  .flatMap(shippedFilesIn)
  .filter((file) => !file.startsWith("proving/sabotage/"));

it.each(givenUp)("no identifier says $word, but at its borders: it is $say", ({ word, borders = {} }) => {
  const uses = files.map((file): [string, number] => [file, identifiersOf(file).filter((name) => saysWord(name, word)).length]);
  expect(Object.fromEntries(uses.filter(([, count]) => count > 0))).toEqual(borders);
});

it("finds words in identifiers, and neither in texts nor in comments", () => {
  expect(
    ["createBell", "BELL_MAX", "#bell", "bells", "deadLetter", "letter", "doorbell"].map((name) => saysWord(name, "bell")),
  ).toEqual([true, true, true, true, false, false, false]);
  expect([saysWord("deadLetterOf", "letter"), saysWord("letterOf", "letter")]).toEqual([false, true]);
  expect(namesIn('const a = "bell"; // a bell\n/* bell */ const b = `bell`;')).toEqual(["const", "a", "const", "b"]);
});

function saysWord(name: string, word: string): boolean {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  return words.some(
    (each, index) => (each === word || each === `${word}s`) && !(word === "letter" && words[index - 1] === "dead"),
  );
}

function identifiersOf(file: string): string[] {
  return namesIn(sourceOf(file));
}

function namesIn(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\/|\/\/.*$|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/gm, " ");
  return code.match(/[A-Za-z_$][\w$]*/g) ?? [];
}
