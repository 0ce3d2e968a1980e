// Who may import whom (the table of the README's map, in code): every import of every room is read, also through what it reaches.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { channelFolders, channelsFolder } from "../channels/folders.ts";
import { channelSlugs, filesSaying } from "./channel-names.ts";
import { codeOf, doors, filesIn, importsOf, provesOnly, reachOf, root, shippedFilesIn } from "./imports.ts";

/** Each import of the files that no pattern allows, as "file imports x". */
function importsNotAllowed(files: readonly string[], allowed: readonly RegExp[]): string[] {
  expect(files.length).toBeGreaterThan(0);
  return files.flatMap((file) =>
    importsOf(file)
      .filter((imported) => !allowed.some((pattern) => pattern.test(imported)))
      .map((imported) => `${file} imports ${imported}`),
  );
}

const protobuf = /^@bufbuild\/protobuf(\/|$)/;
const pure = [protobuf, /^valibot$/, /^@noble\//];
const channels = channelFolders(root);
/** What is missing is told by proving/channels. */
const having = (file: string) => channels.filter((channel) => existsSync(join(root, channelsFolder, channel, file)));
const services = readdirSync(join(root, "core/src"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && filesIn(`core/src/${entry.name}`).includes(`core/src/${entry.name}/service.ts`))
  .map((entry) => entry.name);

const client = /^(nats|nats\.ws|@nats-io\/.*)$/;
/** Each client of the bus, and the one file that ships it. */
const clients = { nats: "shared/src/bus/client/tcp.ts", "nats.ws": "shared/src/bus/client/ws.ts" };

describe("imports", () => {
  it("proto's generated code stands on protobuf alone", () => {
    expect(importsNotAllowed(filesIn("proto/gen"), [/^proto\/gen\//, protobuf])).toEqual([]);
  });

  it("shared stands on proto and itself, with no platform of its own", () => {
    const files = shippedFilesIn("shared/src").filter((file) => !Object.values(clients).includes(file));
    expect(importsNotAllowed(files, [/^proto\/gen\//, /^shared\/src\//, ...pure])).toEqual([]);
  });

  it("shared reads no clock, chance or environment by itself", () => {
    const forbidden = /\bDate\.now\(|\bMath\.random\(|\bnew Date\(\)|\bprocess\.(env|pid|argv|on)\b|\bperformance\.now\(\)/;
    const found = shippedFilesIn("shared/src").filter((file) => forbidden.test(codeOf(file)));
    expect(found.filter((file) => file !== "shared/src/clock.ts")).toEqual([]);
  });

  it("one file imports the bus's client for TCP, and one that for WebSockets", () => {
    const shipped = ["proto", "shared", "edge", "core", "sdk", "local"].flatMap(shippedFilesIn);
    const found = shipped.flatMap((file) =>
      importsOf(file)
        .filter((imported) => client.test(imported))
        .map((imported) => [imported, file]),
    );
    expect(found).toEqual(Object.entries(clients));
  });

  it("tests and benches have the client through one file of the kit", () => {
    const kits = filesIn("proving");
    const tests = ["proto", "shared", "edge", "core", "sdk", "local"]
      .flatMap(filesIn)
      .filter((file) => file.endsWith(".test.ts"));
    const found = [...kits, ...tests].filter((file) => importsOf(file).some((imported) => client.test(imported)));
    expect(found).toEqual(["proving/kit/bus/client.ts"]);
  });

  it("the Worker reaches the client for WebSockets, and never that for TCP", () => {
    const reached = [...reachOf("edge/src/worker/entry.ts")];
    expect(reached.filter((file) => Object.values(clients).includes(file))).toEqual([clients["nats.ws"]]);
    expect([...reachOf("edge/src/node/main.ts")]).toContain(clients.nats);
  });

  it.each(channels)("channel %s imports no other channel", (channel) => {
    const others = channels.filter((each) => each !== channel);
    const found = shippedFilesIn(`shared/src/channels/${channel}`).flatMap((file) =>
      importsOf(file).filter((imported) => others.some((other) => imported.startsWith(`shared/src/channels/${other}/`))),
    );
    expect(found).toEqual([]);
  });

  it.each(having("channel.ts"))("channel %s is data that any room may import", (channel) => {
    const record = `shared/src/channels/${channel}/channel.ts`;
    expect([...reachOf(record)]).toEqual([record, "shared/src/channels/contract/channel.ts"]);
  });

  it.each(having("inbound.ts"))("channel %s: the inbound door does not reach the outbound one", (channel) => {
    const reached = reachOf(`shared/src/channels/${channel}/inbound.ts`);
    expect([...reached].filter((file) => /\/(install|outbound)\.ts$|\/simulator\//.test(file))).toEqual([]);
  });

  it.each(channels)("channel %s: the simulator shares nothing with the doors, its own signing included", (channel) => {
    const own = `shared/src/channels/${channel}/`;
    const reached = shippedFilesIn(`${own}simulator`).flatMap((file) => [...reachOf(file)]);
    expect(new Set(reached.filter((file) => file.startsWith(own) && !file.startsWith(`${own}simulator/`)))).toEqual(new Set());
  });

  it("the edge stands on proto, shared and hono, with Node only in its Node host", () => {
    const allowed = [
      /^edge\/src\//,
      /^proto\/gen\//,
      /^shared\/src\//,
      ...pure,
      /^hono(\/|$)/,
      /^cloudflare:/,
      /^@cloudflare\/workers-types/,
    ];
    const files = shippedFilesIn("edge/src");
    expect(
      importsNotAllowed(
        files.filter((file) => !file.startsWith("edge/src/node/")),
        allowed,
      ),
    ).toEqual([]);
    const inNode = files.filter((file) => file.startsWith("edge/src/node/"));
    if (inNode.length > 0) expect(importsNotAllowed(inNode, [...allowed, /^node:/])).toEqual([]);
  });

  it("what the edge reaches holds no outbound door, no simulator and nothing of core", () => {
    const reached = new Set(shippedFilesIn("edge/src").flatMap((file) => [...reachOf(file)]));
    expect(
      [...reached].filter((file) => /^core\/|channels\/[^/]+\/(install|outbound)\.ts$|\/simulators?[/.]/.test(file)),
    ).toEqual([]);
  });

  it("core imports nothing of the edge, the SDK or local play", () => {
    const found = shippedFilesIn("core/src").flatMap((file) =>
      importsOf(file).filter((each) => /^(edge|sdk|local)\/|^@mio\/sdk/.test(each)),
    );
    expect(found).toEqual([]);
  });

  it("only tests, proving and local import proving", () => {
    const shipped = ["proto", "shared", "edge", "core", "sdk"].flatMap(shippedFilesIn);
    expect(shipped.filter((file) => importsOf(file).some((each) => each.startsWith("proving/")))).toEqual([]);
  });

  it("no shipped file stands on a suite that proves channels, on a forger or on fixtures", () => {
    const shipped = ["proto", "shared", "edge", "core", "sdk", "local"].flatMap(shippedFilesIn);
    const proves = (imported: string) => provesOnly.test(imported) || imported.includes("/fixtures/");
    expect(shipped.filter((file) => importsOf(file).some(proves))).toEqual([]);
  });

  it.each(having("forger.ts"))("channel %s: its forger shares nothing with the doors or the simulator", (channel) => {
    const forger = `shared/src/channels/${channel}/forger.ts`;
    const shared = [/^shared\/src\/channels\/conformance\/forg(er|ing)\.ts$/, /^shared\/src\/ids\.ts$/];
    const reached = [...reachOf(forger)].filter((file) => file !== forger);
    expect(reached.length).toBeGreaterThan(0);
    expect(reached.filter((file) => !shared.some((pattern) => pattern.test(file)))).toEqual([]);
  });

  it("every import of a package of ours goes through one of its doors, and every door is used", () => {
    const files = ["proto", "shared", "edge", "core", "sdk", "local", "proving"].flatMap(filesIn);
    const imported = new Set(files.flatMap(importsOf));
    expect([...imported].filter((each) => each.startsWith("@mio/"))).toEqual([]);
    const unused = doors.filter(
      ({ path, opensFolder }) => ![...imported].some((each) => (opensFolder ? each.startsWith(path) : each === path)),
    );
    expect(unused.map(({ specifier }) => specifier)).toEqual([]);
  });

  it.each(services)("core's service %s imports no other service", (service) => {
    const others = services.filter((each) => each !== service);
    const found = shippedFilesIn(`core/src/${service}`).flatMap((file) =>
      importsOf(file).filter((imported) => others.some((other) => imported.startsWith(`core/src/${other}/`))),
    );
    expect(found).toEqual([]);
  });

  it("one room of core says the names of accounts' tables in SQL", () => {
    const tables =
      /\b(from|join|into|update|table|lock)\s+(accounts|tenants|account_secrets|secret_pepper|layout_closings|account_edges)\b/i;
    const shipped = ["core/src", "local", "edge/src", "shared/src", "sdk/typescript"].flatMap(shippedFilesIn);
    const found = shipped.filter((file) => tables.test(codeOf(file)) || /\bdirectory_row_version\b/.test(codeOf(file)));
    expect(found.filter((file) => !file.startsWith("core/src/accounts/"))).toEqual([]);
    expect(found.length).toBeGreaterThan(3);
    const audit = shipped.filter((file) => /\b(from|into|update|table|on) audit\b/.test(codeOf(file)));
    expect(audit).toEqual(["core/src/control/audit/audit.ts"]);
    const versions = shipped.filter((file) => /nextval\('directory_row_version'\)|notify \$\{directory/.test(codeOf(file)));
    expect(versions).toEqual(["core/src/accounts/change.ts"]);
  });

  it("the command line calls operations, and nothing below them", () => {
    const below = shippedFilesIn("core/src/cli").flatMap((file) =>
      importsOf(file)
        .filter(
          (imported) =>
            /^core\/src\//.test(imported) &&
            !/^core\/src\/(cli|control)\/|^core\/src\/process\/(config|oauth-apps)\.ts$/.test(imported),
        )
        .concat(importsOf(file).filter((imported) => imported === "pg"))
        .map((imported) => `${file} imports ${imported}`),
    );
    expect(below).toEqual([]);
  });

  it("the SDK stands on proto and shared", () => {
    const allowed = [/^sdk\/typescript\//, /^proto\/gen\//, /^shared\/src\//, ...pure, /^node:/];
    expect(importsNotAllowed(shippedFilesIn("sdk/typescript/src"), allowed)).toEqual([]);
  });

  it("this reader of imports sees all their forms, and follows them into other rooms", () => {
    const doors = [...reachOf("edge/src/worker/entry.ts")].filter((file) => /channels\/[^/]+\/inbound\.ts$/.test(file));
    expect(doors.length).toBeGreaterThan(2);
    expect(importsOf("proving/house/boundaries.test.ts")).toEqual([
      "node:fs",
      "node:path",
      "vitest",
      "proving/channels/folders.ts",
      "proving/house/channel-names.ts",
      "proving/house/imports.ts",
    ]);
  });
});

it.each(channelSlugs())("no file of edge or core, tests aside, contains the name of the channel %s", (slug) => {
  expect(filesSaying(slug)).toEqual([]);
});
