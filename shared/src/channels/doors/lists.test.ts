// The lists agree: a channel is one record, whichever of its doors is asked, and that record says what the registry says. What is missing in
// a list is told by proving/channels.
import { readFileSync } from "node:fs";
import * as v from "valibot";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { forgers } from "../conformance/forgers.ts";
import type { Channel } from "../contract/channel.ts";
import { inboundDoors } from "./inbound.ts";
import { installDoors } from "./install.ts";
import { outboundDoors } from "./outbound.ts";
import { simulatorKinds } from "./simulator.ts";

const records = new Set<Channel>([...inboundDoors, ...outboundDoors, ...installDoors].map(({ channel }) => channel));
const slugs = [...records].map(({ slug }) => slug).sort();
const registrySchema = v.object({ channels: v.array(v.object({ slug: v.string(), aliases: v.array(v.string()) })) });
const registry = v.parse(
  registrySchema,
  parse(readFileSync(new URL("../../../../proto/channels.yaml", import.meta.url), "utf8")),
);

it("all doors of a channel carry one record", () => {
  expect(new Set(slugs).size).toBe(records.size);
  for (const doors of [inboundDoors, outboundDoors, installDoors])
    expect(new Set(doors.map(({ channel }) => channel)).size).toBe(doors.length);
});

it("every simulator and every forger is of a channel that has a door", () => {
  for (const { channelType } of [...simulatorKinds, ...forgers]) expect(slugs).toContain(channelType);
});

it.each([...records])("the old paths of $slug are its aliases in the registry", ({ slug, legacyPaths }) => {
  const entry = registry.channels.find((each) => each.slug === slug);
  if (entry) expect(entry.aliases).toEqual(legacyPaths);
});

it("no attribute is written by two channels", () => {
  const names = [...records].flatMap(({ attributes }) => Object.values(attributes));
  expect(new Set(names).size).toBe(names.length);
});
