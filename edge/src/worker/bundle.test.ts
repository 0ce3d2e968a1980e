// What the Worker really ships: wrangler's own bundle.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { compatibilityDate } from "@mio/local/servers/worker.ts";
import { bundleWorker, deployDryRun } from "@mio/local/servers/worker-bundle.ts";
import { environments } from "@mio/shared/channels/doors/doors-in.ts";
import { beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../../..");
/** Cloudflare takes 3 MB compressed on the smallest plan; ours is far below, and growth should be somebody's decision. */
const bundleBytesMax = 800 * 1024;

let bundle: string;

beforeAll(async () => {
  bundle = await bundleWorker();
});

describe("the Worker's bundle", () => {
  it("holds the inbound doors and nothing of outbound doors or simulators", () => {
    const sources = [...bundle.matchAll(/^\/\/ (\S+\.ts)$/gm)].map(([, source]) => source ?? "");
    expect(sources.some((source) => source.endsWith("inbound.ts"))).toBe(true);
    const foreign = sources.filter(
      (source) => /\/(outbound|simulator|conformance|proving|core|node)[./]/.test(source) && !source.includes("node_modules"),
    );
    expect(foreign).toEqual([]);
  });

  it("imports nothing but what the runtime has", () => {
    const imported = [...bundle.matchAll(/^import .* from "([^"]+)";$/gm)].map(([, name]) => name);
    expect(imported).toEqual(imported.filter((name) => name === "cloudflare:workers"));
  });

  it("stays within its size", () => {
    console.log(`the Worker's bundle: ${Math.round(bundle.length / 1024)} KiB of at most ${bundleBytesMax / 1024} KiB`);
    expect(bundle.length).toBeLessThan(bundleBytesMax);
  });

  it("runs locally with the compatibility date that is deployed", async () => {
    const wrangler = await readFile(join(root, "wrangler.toml"), "utf8");
    expect(/^compatibility_date = "(.*)"$/m.exec(wrangler)?.[1]).toBe(compatibilityDate);
  });

  it.each(environments)("deploys to %s with everything bound that the Worker reads, without a warning", async (environment) => {
    const { said } = await deployDryRun(environment);
    expect(said).toContain(`env.MIO_ENV ("${environment}")`);
    for (const name of ["EDGE_REGION", "NATS_WEBSOCKET_URL", "NATS_USER"])
      expect(said).toMatch(new RegExp(`env\\.${name} \\(".+"\\)`));
    for (const binding of ["UPLINK (UplinkObject)", "DIRECTORY (DirectoryObject)"]) expect(said).toContain(`env.${binding}`);
    expect(said).not.toContain("WARNING");
  });
});
