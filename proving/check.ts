// Type-checks every room with its own tsconfig, so that each sees only the platform that it may use.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { wordsOf } from "@mio/local/words.ts";

wordsOf("check", "Usage: npm run check\n\nType-checks every room. It takes no words.", { options: {} });

const root = join(import.meta.dirname, "..");
const projects = [
  "proto",
  "shared",
  "edge",
  "edge/src/node",
  "core",
  "sdk/typescript",
  "local",
  "proving",
  "docs",
  "tsconfig.test.json",
];

let failed = false;
for (const project of projects) {
  if (isEmptyRoom(project)) continue;
  // What the compiler noted of a room lets it look again only at what has changed.
  const notes = join(root, "node_modules/.cache/tsc", `${project.replaceAll("/", "-")}.tsbuildinfo`);
  const words = ["-p", join(root, project), "--incremental", "--tsBuildInfoFile", notes];
  const result = spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), ...words], {
    cwd: root,
    stdio: "inherit",
  });
  if (result.status !== 0) {
    console.error(`check: ${project} does not type-check`);
    failed = true;
  }
}
/** A room that is planned and has no file yet. */
function isEmptyRoom(project: string): boolean {
  return (
    !project.endsWith(".json") &&
    !readdirSync(join(root, project), { recursive: true }).some((file) => String(file).endsWith(".ts"))
  );
}

process.exit(failed ? 1 : 0);
