// What a channel must have, part by part. Each part that is missing is told as the next step to do. Files are read as text, never run: a
// channel that is half there must be told what is missing, not how its imports fail.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { parse } from "yaml";
import { channelsFolder, slugOf } from "./folders.ts";

export interface ChannelPart {
  name: string;
  /** The next step to do; undefined when the part is there, or when another part must be there first. */
  step(channel: ChannelFiles): string | undefined;
}

/** A channel's files, and those of others that must speak of it. */
export interface ChannelFiles {
  folder: string;
  slug: string;
  /** Paths within its folder. */
  paths: readonly string[];
  /** Of a file in its folder; empty when there is none. */
  text(path: string): string;
  /** Of each of its tests. */
  tests: readonly string[];
  /** Of a file anywhere. */
  elsewhere(path: string): string;
}

export const channelParts: readonly ChannelPart[] = [
  { name: "registry", step: (channel) => registryStep(channel) },
  {
    name: "record",
    step: ({ folder, slug, text }) => {
      const record = text("channel.ts");
      if (record === "") return `Write ${folder}/channel.ts: what it is, as data (contract/channel.ts says which).`;
      return record.includes(`slug: "${slug}"`)
        ? undefined
        : `Say slug: "${slug}" in ${folder}/channel.ts, as its folder is called.`;
    },
  },
  door("inbound", "inbound.ts", "how webhooks are read, verified and answered"),
  door("outbound", "outbound.ts", "how messages are planned and sent"),
  { name: "install door", step: (channel) => installStep(channel) },
  door("simulator", "simulator/simulator.ts", "the platform itself, as strict as it is"),
  {
    name: "forger",
    step: (channel) =>
      fileInList(channel, "forger.ts", "conformance/forgers.ts", "conformance/forger.ts", "the platform as an attacker meets it"),
  },
  { name: "fixtures", step: (channel) => fixturesStep(channel) },
  suite("inbound", "describeInboundDoor", "inbound.ts"),
  suite("outbound", "describeOutboundDoor", "outbound.ts"),
  {
    name: "doors against the simulator",
    step: ({ folder, paths, tests }) =>
      tests.some((text) => /\binbound\.ts"/.test(text) && /\bsimulator\.ts"/.test(text)) ||
      !["inbound.ts", "outbound.ts", "simulator/simulator.ts"].every((path) => paths.includes(path))
        ? undefined
        : `Write ${folder}/doors.test.ts: both doors against the simulator, by startSimulated of proving/kit/channels/simulated.ts.`,
  },
  {
    name: "saboteur",
    step: ({ folder, tests, elsewhere }) =>
      elsewhere("proving/sabotage/g11.ts").includes(`"${channelsFolder}/${folder}/`) ||
      !tests.some((text) => text.includes("describeInboundDoor("))
        ? undefined
        : `Add a row to proving/sabotage/g11.ts that makes ${folder}'s signature always true, with the test that notices.`,
  },
  {
    name: "README",
    step: ({ folder, paths }) =>
      paths.includes("README.md")
        ? undefined
        : `Write ${folder}/README.md: set-up, schemes, ids, settings, limits, and what was not seen at the live platform.`,
  },
];

export function filesOfChannel(root: string, folder: string): ChannelFiles {
  const elsewhere = readerOf(root);
  const own = `${channelsFolder}/${folder}`;
  const paths = existsSync(join(root, own)) ? readdirSync(join(root, own), { recursive: true, encoding: "utf8" }) : [];
  const text = (path: string) => elsewhere(`${own}/${path}`);
  return {
    folder,
    slug: slugOf(folder),
    paths,
    text,
    tests: paths.filter((path) => path.endsWith(".test.ts")).map(text),
    elsewhere,
  };
}

function readerOf(root: string): (path: string) => string {
  return (path) => (existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : "");
}

/** Slugs that the registry says have a folder here. */
export function activeSlugs(root: string): string[] {
  return entriesOf(readerOf(root)("proto/channels.yaml"))
    .filter(({ status }) => status === "active")
    .map(({ slug }) => slug);
}

function registryStep({ slug, elsewhere }: ChannelFiles): string | undefined {
  const entry = entriesOf(elsewhere("proto/channels.yaml")).find((each) => each.slug === slug);
  const settled = `its line "${slug} active" in the text \`settled\` of proto/channels.test.ts`;
  if (!entry) return `Add an entry for ${slug} to proto/channels.yaml (slug, name, status: active, aliases: []), and ${settled}.`;
  return entry.status === "active" ? undefined : `Say status: active for ${slug} in proto/channels.yaml, and ${settled}.`;
}

const registrySchema = v.object({ channels: v.array(v.object({ slug: v.string(), status: v.string() })) });

function entriesOf(registry: string) {
  return v.parse(registrySchema, parse(registry)).channels;
}

function installStep(channel: ChannelFiles): string | undefined {
  const { folder, paths, text, tests } = channel;
  if (!paths.includes("channel.ts")) return undefined;
  const named = text("channel.ts").includes("callbackParameters:");
  if (!named && !paths.includes("install.ts")) return undefined;
  if (!named)
    return `Say in ${folder}/channel.ts which callbackParameters its OAuth redirect brings beside code, state and error ([] for none).`;
  const step = fileInList(channel, "install.ts", "doors/install.ts", "contract/install.ts", "how its people connect a workspace");
  if (step !== undefined || tests.some((test) => /\binstall\.ts"/.test(test))) return step;
  return `Write ${folder}/install.test.ts: where people are sent, and what each answer to an exchange means.`;
}

function door(kind: "inbound" | "outbound" | "simulator", file: string, what: string): ChannelPart {
  const name = kind === "simulator" ? kind : `${kind} door`;
  return {
    name,
    step: (channel) =>
      kind !== "simulator" && !channel.paths.includes("channel.ts")
        ? undefined
        : fileInList(channel, file, `doors/${kind}.ts`, `contract/${kind}.ts`, what),
  };
}

function fileInList(channel: ChannelFiles, file: string, list: string, contract: string, what: string): string | undefined {
  const { folder, paths, elsewhere } = channel;
  if (!paths.includes(file))
    return `Write ${folder}/${file}: ${what} (${contract} says what it must hold), and add it to ${list}.`;
  const listed = elsewhere(`${channelsFolder}/${list}`).includes(`"../${folder}/${file}"`);
  return listed ? undefined : `Add what ${folder}/${file} exports to the list in ${list}.`;
}

function suite(kind: string, call: string, file: string): ChannelPart {
  return {
    name: `${kind} suite`,
    step: ({ folder, paths, tests }) =>
      tests.some((text) => text.includes(`${call}(`)) || ![file, "forger.ts"].every((path) => paths.includes(path))
        ? undefined
        : `Call ${call} (conformance/${kind}.ts) with its door and forger in ${folder}/conformance.test.ts.`,
  };
}

/** A genuine signature, a wrong one, and a webhook that says what becomes of it. */
function fixturesStep({ folder, paths, text: textOf }: ChannelFiles): string | undefined {
  const wanted = "as the platform sent them, scrubbed (conformance/fixture.ts has their form)";
  const texts = paths.filter((path) => /^fixtures\b.*\.json$/.test(path)).map(textOf);
  const lacking = [
    ...(texts.some((text) => /"verified":\s*true/.test(text)) ? [] : ["one whose signature is good (proof, expected.verified)"]),
    ...(texts.some((text) => /"verified":\s*false/.test(text)) ? [] : ["one whose signature is not (proof, expected.verified)"]),
    ...(texts.some((text) => /"kind":\s*"messages"/.test(text))
      ? []
      : ["one that becomes a message (account, expected.normalised)"]),
  ];
  return lacking.length === 0 ? undefined : `Put into ${folder}/fixtures ${lacking.join(" and ")}, ${wanted}.`;
}
