// Where channels are: a folder each in shared/src/channels, beside the rooms that all of them share.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

export const channelsFolder = "shared/src/channels";
const rooms = new Set(["conformance", "contract", "doors", "kit", "simulator"]);

export function channelFolders(root: string): string[] {
  return readdirSync(join(root, channelsFolder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !rooms.has(entry.name))
    .map((entry) => entry.name);
}

/** A slug has underscores where a folder and a path have hyphens. */
export function folderOf(slug: string): string {
  return slug.replaceAll("_", "-");
}

export function slugOf(folder: string): string {
  return folder.replaceAll("-", "_");
}

/** Why a new channel's folder cannot have this name; undefined when it can. */
export function nameFault(root: string, folder: string): string | undefined {
  if (rooms.has(folder)) return `"${folder}" is a room that all channels share`;
  if (existsSync(join(root, channelsFolder, folder))) return `there is a channel "${folder}" already`;
  return undefined;
}
