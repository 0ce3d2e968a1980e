// What the present .proto files are compared with: earlier commits of this repository, as far as there are any.
// What must stay true: a place without history says so, and is then held by golden/descriptors.binpb alone.
import { spawnSync } from "node:child_process";

/** Enough to catch a break that is already committed, and cheap: each costs buf a fraction of a second. */
const commitsMax = 5;

/** Where the main line may be found, in a checkout of it, of a branch, or of a bare commit. */
const mainRefs = ["main", "origin/main"];

export type Baseline = {
  commit: string;
  /** Writes the room as it was then into a tar file, which buf reads. */
  archive: (file: string) => void;
  /** Paths below `dir`, which ends in a slash, with the hash that git gives their content. */
  blobs: (dir: string) => Map<string, string>;
  read: (path: string) => string | undefined;
};

export type Baselines = { kind: "history"; baselines: Baseline[] } | { kind: "none"; reason: string };

/** The last commits that changed the .proto files, and the point where this branch left main. */
export function findBaselines(roomDir: string): Baselines {
  // Everything else runs at the top: archive and ls-tree take a subfolder for a wish to see only that.
  const place = git(roomDir, ["rev-parse", "--show-toplevel", "--show-prefix"]);
  if (place.code !== 0) return { kind: "none", reason: `no git history here (${place.stderr.trim()})` };
  const [top = "", room = ""] = place.stdout.split("\n");

  const forks = mainRefs.map((ref) => git(top, ["merge-base", "HEAD", ref])).map(({ stdout }) => stdout.trim());
  // A shallow clone shows the commits that it has.
  const log = git(top, ["log", `--max-count=${commitsMax}`, "--format=%H", "HEAD", "--", `${room}mio`]);
  const commits = [...new Set([...forks, ...log.stdout.trim().split("\n")])].filter((commit) => commit !== "");
  const baselines = commits
    .filter((commit) => git(top, ["cat-file", "-e", `${commit}:${room}mio`]).code === 0)
    .map((commit) => baselineOf(top, commit, room));
  return baselines.length > 0 ? { kind: "history", baselines } : { kind: "none", reason: "no commit here has .proto files" };
}

function baselineOf(top: string, commit: string, room: string): Baseline {
  function must(args: readonly string[]): string {
    const { code, stdout, stderr } = git(top, args);
    if (code !== 0) throw new Error(`git ${args.join(" ")} ended with ${code}: ${stderr}`);
    return stdout;
  }
  return {
    commit,
    archive: (file) => {
      must(["archive", "--format=tar", `--output=${file}`, `${commit}:${room}`]);
    },
    blobs: (dir) => {
      const stdout = must(["ls-tree", "-r", "--format=%(objectname) %(path)", `${commit}:${room}`, dir]);
      const lines = stdout.split("\n").filter((line) => line !== "");
      return new Map(lines.map((line) => [line.slice(line.indexOf(" ") + 1), line.slice(0, line.indexOf(" "))]));
    },
    read: (path) => {
      const { code, stdout } = git(top, ["show", `${commit}:${room}${path}`]);
      return code === 0 ? stdout : undefined;
    },
  };
}

type GitResult = { code: number; stdout: string; stderr: string };

function git(cwd: string, args: readonly string[]): GitResult {
  // In a hook git sets GIT_DIR and the like, which would point every temporary clone of the tests at this repository.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_")));
  const { status, stdout, stderr, error } = spawnSync("git", args, { cwd, env, encoding: "utf8" });
  return { code: status ?? 1, stdout: stdout ?? "", stderr: error ? error.message : (stderr ?? "") };
}
