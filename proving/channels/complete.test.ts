// Has every channel all that a channel must have? What is missing fails as one test, whose message is the next step to do.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { channelFolders, folderOf } from "./folders.ts";
import { activeSlugs, channelParts, filesOfChannel } from "./parts.ts";

const root = join(import.meta.dirname, "../..");
const folders = channelFolders(root);

describe.each(folders)("channel %s", (folder) => {
  it.each(channelParts)("has its $name", ({ step }) => {
    const next = step(filesOfChannel(root, folder));
    expect(next, next).toBeUndefined();
  });
});

it.each(activeSlugs(root))("the registry's channel %s has a folder", (slug) => {
  expect(folders, `Begin it with: npm run channel:new -- ${folderOf(slug)}`).toContain(folderOf(slug));
});
