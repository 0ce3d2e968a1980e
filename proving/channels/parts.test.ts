// Each part that a channel must have, left out of one that is whole: exactly that part is told, in words that say what to do.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { channelsFolder } from "./folders.ts";
import { channelParts, filesOfChannel } from "./parts.ts";

const root = join(import.meta.dirname, "../..");
/** It has an install door too. */
const whole = "slack";
const own = `${channelsFolder}/${whole}`;
const trees: string[] = [];
afterAll(() => {
  for (const tree of trees) rmSync(tree, { recursive: true });
});

function treeWith(change: (tree: string) => void): string {
  const tree = mkdtempSync(join(tmpdir(), "mio-parts-"));
  trees.push(tree);
  const others = ["doors", "conformance"].map((room) => `${channelsFolder}/${room}`);
  for (const path of [own, ...others, "proto/channels.yaml", "proving/sabotage/g11.ts"]) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    cpSync(join(root, path), join(tree, path), { recursive: true });
  }
  change(tree);
  return tree;
}

/** With what stands on it. */
const without =
  (...paths: string[]) =>
  (tree: string) => {
    for (const path of paths) rmSync(join(tree, own, path), { recursive: true });
  };
const edited = (path: string, find: string | RegExp, to: string) => (tree: string) => {
  const before = readFileSync(join(tree, path), "utf8");
  const after = before.replace(find, to);
  if (after === before) throw new Error(`${path} says no ${find}`);
  writeFileSync(join(tree, path), after);
};
const unlisted = (list: string, path: string) =>
  edited(`${channelsFolder}/${list}`, new RegExp(`^import .*"\\.\\./${whole}/${path}";\n`, "m"), "");

const withoutRow = edited("proving/sabotage/g11.ts", /channels\/slack\//g, "channels/slick/");
const everyOf =
  (...changes: ((tree: string) => void)[]) =>
  (tree: string) => {
    for (const change of changes) change(tree);
  };

const onRecord = ["channel.ts", "inbound.ts", "outbound.ts", "install.ts", "conformance.test.ts", "doors.test.ts"];

const leftOut: [string, (tree: string) => void, string, RegExp][] = [
  ["the registry's entry", edited("proto/channels.yaml", "- slug: slack", "- slug: slick"), "registry", /Add an entry for slack/],
  [
    "the entry's status",
    edited("proto/channels.yaml", /(slack\n.*\n +status: )active/, "$1planned"),
    "registry",
    /status: active/,
  ],
  ["channel.ts", without("channel.ts"), "record", /Write slack\/channel\.ts/],
  ["channel.ts with all that stands on it", everyOf(without(...onRecord), withoutRow), "record", /Write slack\/channel\.ts/],
  ["the slug", edited(`${own}/channel.ts`, 'slug: "slack"', 'slug: "slick"'), "record", /Say slug: "slack"/],
  ["inbound.ts", without("inbound.ts", "doors.test.ts"), "inbound door", /Write slack\/inbound\.ts/],
  ["the inbound list's line", unlisted("doors/inbound.ts", "inbound.ts"), "inbound door", /to the list in doors\/inbound\.ts/],
  ["outbound.ts", without("outbound.ts", "doors.test.ts"), "outbound door", /Write slack\/outbound\.ts/],
  [
    "the outbound list's line",
    unlisted("doors/outbound.ts", "outbound.ts"),
    "outbound door",
    /to the list in doors\/outbound\.ts/,
  ],
  ["install.ts", without("install.ts"), "install door", /Write slack\/install\.ts/],
  ["install.test.ts", without("install.test.ts"), "install door", /Write slack\/install\.test\.ts/],
  ["the install list's line", unlisted("doors/install.ts", "install.ts"), "install door", /to the list in doors\/install\.ts/],
  ["its parameters", edited(`${own}/channel.ts`, /callbackParameters.*\n/, ""), "install door", /which callbackParameters/],
  ["the simulator", without("simulator", "doors.test.ts"), "simulator", /Write slack\/simulator\/simulator\.ts/],
  [
    "the simulators' line",
    unlisted("doors/simulator.ts", "simulator/simulator.ts"),
    "simulator",
    /the list in doors\/simulator\.ts/,
  ],
  ["forger.ts", without("forger.ts", "conformance.test.ts"), "forger", /Write slack\/forger\.ts/],
  [
    "the forger with all that stands on it",
    everyOf(without("forger.ts", "conformance.test.ts"), withoutRow),
    "forger",
    /Write slack\/forger\.ts/,
  ],
  ["the forgers' line", unlisted("conformance/forgers.ts", "forger.ts"), "forger", /to the list in conformance\/forgers\.ts/],
  ["the fixtures", without("fixtures"), "fixtures", /Put into slack\/fixtures one whose signature is good/],
  [
    "inbound suite",
    edited(`${own}/conformance.test.ts`, /^describeInboundDoor.*/m, ""),
    "inbound suite",
    /Call describeInboundDoor/,
  ],
  [
    "outbound suite",
    edited(`${own}/conformance.test.ts`, /^describeOutboundDoor.*/m, ""),
    "outbound suite",
    /describeOutboundDoor/,
  ],
  ["doors.test.ts", without("doors.test.ts"), "doors against the simulator", /Write slack\/doors\.test\.ts/],
  ["the saboteur's row", withoutRow, "saboteur", /Add a row/],
  ["README.md", without("README.md"), "README", /Write slack\/README\.md/],
];

it("says nothing of a channel that is whole", () => {
  expect(stepsIn(treeWith(() => {}))).toEqual([]);
});

it.each(leftOut)("tells of %s that is left out, and of nothing else", (_, leaveOut, part, words) => {
  const steps = stepsIn(treeWith(leaveOut));
  expect(steps).toEqual([[part, expect.stringMatching(words)]]);
});

it("every part was left out once", () => {
  expect(new Set(leftOut.map(([, , part]) => part))).toEqual(new Set(channelParts.map(({ name }) => name)));
});

function stepsIn(tree: string): [string, string][] {
  const files = filesOfChannel(tree, whole);
  return channelParts.flatMap(({ name, step }) => {
    const next = step(files);
    return next === undefined ? [] : [[name, next] as [string, string]];
  });
}
