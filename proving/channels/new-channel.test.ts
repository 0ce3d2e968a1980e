// What `npm run channel:new` makes, in a copy of this tree: a channel that has every part, and that its own suites take.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { copyTree } from "../sabotage/copy-tree.ts";
import { channelsFolder } from "./folders.ts";
import { namesOf } from "./names.ts";
import { newChannel } from "./new-channel.ts";
import { channelParts, filesOfChannel } from "./parts.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const command = join(import.meta.dirname, "main.ts");

it("makes a channel that lacks nothing and passes its suites, and whose name is taken from then on", async () => {
  await using copy = await copyTree(root);
  const names = namesOf("parrot_chat", "Parrot, the chat");
  const written = await newChannel(copy.root, names);
  const files = filesOfChannel(copy.root, names.folder);
  expect(channelParts.flatMap(({ step }) => step(files) ?? [])).toEqual([]);

  for (const file of written.filter((path) => path.startsWith(`${channelsFolder}/parrot-chat/`)))
    expect([file, await readFile(join(copy.root, file), "utf8")]).toEqual([
      file,
      expect.not.stringMatching(
        /\btest(Channel|Inbound|Outbound|Simulator|Forger)\b|"test"|test platform|x-test-|localOnly|[Pp]air\b|twin/i,
      ),
    ]);

  const suites = [`${channelsFolder}/parrot-chat`, "proto/channels.test.ts"];
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, NO_COLOR: "1" };
  const vitest = join(copy.root, "node_modules/.bin/vitest");
  const { stdout } = await run(vitest, ["run", ...suites, "--maxWorkers=1", "--reporter=dot"], { cwd: copy.root, env });
  expect(stdout).toMatch(/Test Files\s+\S*3 passed/);

  await expect(newChannel(copy.root, names)).rejects.toThrow('there is a channel "parrot-chat" already');

  // A name that the registry has planned is taken up where it stands.
  const planned = namesOf("rocket-chat");
  await newChannel(copy.root, planned);
  const taken = filesOfChannel(copy.root, planned.folder);
  expect(channelParts.flatMap(({ step }) => step(taken) ?? [])).toEqual([]);
  expect(taken.elsewhere("proto/channels.yaml").match(/slug: rocket_chat\n.*\n +status: active/g)).toHaveLength(1);
  expect(taken.elsewhere("proto/channels.test.ts")).toMatch(/\brocket_chat active,/);
});

it.each([
  [[], /^channel:new: give one name, as in: npm run channel:new -- acme-chat\n$/],
  [["a", "b"], /^channel:new: give one name/],
  [["Parrot"], /^channel:new: "Parrot" is no name for a channel: at most 32 lower-case letters/],
  [["x".repeat(33)], /is no name for a channel/],
  [["../slack"], /is no name for a channel/],
  [["slack"], /^channel:new: there is a channel "slack" already\n$/],
  [["kit"], /^channel:new: "kit" is a room that all channels share\n$/],
  [["cliq"], /^channel:new: "cliq" is the alias of another channel in proto\/channels.yaml\n$/],
  [["bus"], /^channel:new: (edge|core)\/\S+ says "bus", and no file of edge or core may contain a channel's name/],
  [["--nmae", "x"], /^channel:new: Unknown option '--nmae'; see --help\n$/],
])("refuses %j in one line that says what to do, and writes nothing", async (words, line) => {
  const refused = await run(process.execPath, [command, ...words]).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(line) });
});
