// The lists agree: a channel is one record, whichever of its doors is asked, and that record says what the registry says.
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

it("every channel with a door has a simulator and a forger under its slug", () => {
  expect(simulatorKinds.map(({ channelType }) => channelType).sort()).toEqual(slugs);
  expect(forgers.map(({ channelType }) => channelType).sort()).toEqual(slugs);
});

it.each([...records])("the old paths of $slug are its aliases in the registry", ({ slug, legacyPaths }) => {
  expect(registry.channels.find((entry) => entry.slug === slug)?.aliases).toEqual(legacyPaths);
});

it("a channel names the parameters of its redirect exactly when it connects workspaces", () => {
  const connecting = [...records].filter(({ callbackParameters }) => callbackParameters !== undefined);
  expect(new Set(connecting)).toEqual(new Set(installDoors.map(({ channel }) => channel)));
});

it("no attribute is written by two channels", () => {
  const names = [...records].flatMap(({ attributes }) => Object.values(attributes));
  expect(new Set(names).size).toBe(names.length);
});
