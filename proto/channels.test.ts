// The registry of slugs: each is in subjects, object keys and other people's tables, and so is for ever.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { findBaselines } from "./baselines.ts";
import { protoDir } from "./buf.ts";

type Channel = { slug: string; name: string; status: string; aliases: string[] };

const source = readFileSync(join(protoDir, "channels.yaml"), "utf8");
const channels = parseChannels(source);

/** Grows only. The status may change, the word before it may not. */
const settled = `zoho_cliq active, slack active, telegram active, discord planned, whatsapp planned, teams planned, line planned,
  google_chat planned, messenger planned, instagram planned, standard_webhooks planned, mattermost planned, zulip planned,
  rocket_chat planned, github planned, twilio planned, matrix planned, test active`;

describe("channels.yaml", () => {
  it("has every settled slug with its status, and no other", () => {
    const says = channels.map(({ slug, status }) => `${slug} ${status}`);
    expect(says, "A new slug, or one that became active, is added to `settled`; no other line of the registry changes.").toEqual(
      settled.split(/,\s+/),
    );
  });

  it("keeps the alias of the old webhook path", () => {
    expect(channels.find(({ slug }) => slug === "zoho_cliq")?.aliases).toEqual(["cliq"]);
  });

  it.each(channels)("gives $slug a spelling that fits subjects and paths", ({ slug, name, status, aliases }) => {
    expect(slug).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
    expect(name).not.toBe("");
    expect(["active", "planned"]).toContain(status);
    for (const alias of aliases) expect(alias).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
  });

  it("means one channel by each path", () => {
    // A URL path writes a slug with hyphens.
    const paths = channels.flatMap(({ slug, aliases }) => [slug.replaceAll("_", "-"), ...aliases]);
    expect(new Set(paths).size).toBe(paths.length);
  });

  it("says at its head that a slug is never renamed", () => {
    const head = source.slice(0, source.indexOf("\nchannels:"));
    expect(head).toContain("never renamed");
    expect(head).toContain("alias");
  });

  const found = findBaselines(protoDir);
  const earlier = found.kind === "history" ? found.baselines : [];
  it.each(earlier)("has all slugs and aliases of commit $commit", ({ read }) => {
    const text = read("channels.yaml");
    for (const before of text === undefined ? [] : parseChannels(text)) {
      const now = channels.find(({ slug }) => slug === before.slug);
      expect(now, `${before.slug} is gone; a slug is never renamed, only aliased`).toBeDefined();
      expect(now?.aliases).toEqual(expect.arrayContaining(before.aliases));
    }
  });
});

function parseChannels(text: string): Channel[] {
  const document: unknown = parse(text);
  if (!isRecord(document) || !Array.isArray(document.channels)) throw new Error("channels.yaml has no list `channels`");
  expect(Object.keys(document)).toEqual(["channels"]);
  return document.channels.map(parseChannel);
}

function parseChannel(row: unknown): Channel {
  if (!isRecord(row)) throw new Error(`not a channel: ${JSON.stringify(row)}`);
  expect(Object.keys(row).sort()).toEqual(["aliases", "name", "slug", "status"]);
  const { slug, name, status, aliases } = row;
  if (typeof slug !== "string" || typeof name !== "string" || typeof status !== "string")
    throw new Error(`not a channel: ${slug}`);
  if (!Array.isArray(aliases) || !aliases.every((alias) => typeof alias === "string"))
    throw new Error(`aliases of ${slug} are odd`);
  return { slug, name, status, aliases };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
