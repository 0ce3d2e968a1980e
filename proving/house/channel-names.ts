// Who says the name of a channel where none may be said: in the shipped files of edge and core.
import { parse } from "yaml";
import { shippedFilesIn, sourceOf } from "./imports.ts";

/** Slugs that are plain words stand for a channel only where they stand alone as a text. */
const words = new Set(["line", "teams", "matrix", "messenger", "test"]);

export function channelSlugs(): string[] {
  const registry: unknown = parse(sourceOf("proto/channels.yaml"));
  const text = JSON.stringify(registry);
  return [...text.matchAll(/"slug":"([a-z0-9_]+)"/g)].map((match) => match[1] ?? "");
}

export function filesSaying(slug: string): string[] {
  const pattern = namePattern(slug);
  return [...shippedFilesIn("edge"), ...shippedFilesIn("core")].filter((file) => pattern.test(sourceOf(file)));
}

function namePattern(slug: string): RegExp {
  const spelt = slug.replaceAll("_", "[-_ ]?");
  return words.has(slug) ? new RegExp(`["'\`]${spelt}["'\`]`) : new RegExp(`(?<![a-z])${spelt}(?![a-z])`, "i");
}
