// A new channel: a copy of the smallest one under its own names, with its lines in the lists, in the registry and in the saboteur's table. The
// copied one stands under all suites, so the new one is green at once, and none of it can rot.
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { channelsFolder, nameFault } from "./folders.ts";
import type { ChannelNames } from "./names.ts";

const copied = `${channelsFolder}/test`;
/** What only the project's own tests ask of a platform: a webhook about two conversations. */
const ownToTests = /^(inbound\.test\.ts|simulator\/pairs\.ts)$/;

/** Cut out of the copied files, each once; a text that is not there any more stops the command. */
const cuts: Readonly<Record<string, readonly (string | RegExp)[]>> = {
  "channel.ts": ["  localOnly: true,\n"],
  "inbound.ts": [/ Its one peculiarity[^.]*\./],
  "simulator/simulator.ts": ['import { servePairs } from "./pairs.ts";\n', "    control: servePairs,\n"],
  "simulator/webhook.ts": [
    ", and, for a message posted to two conversations at once, its twin behind it",
    ", ...twinsOf(context, about)",
    /\nfunction twinsOf[\s\S]*?\n}\n/,
  ],
  "doors.test.ts": [
    /\n {2}it\("hears of a post to two conversations[\s\S]*?\n {2}}\);\n/,
    /\n {2}it\.each\(\[\{\}, [\s\S]*?\n {2}\);\n/,
  ],
};

/** Writes it below `root` and says which files it wrote or changed. Throws one line when the name is taken. */
export async function newChannel(root: string, names: ChannelNames): Promise<string[]> {
  const fault = nameFault(root, names.folder);
  if (fault) throw new Error(fault);
  const registered = await registryWith(root, names);
  const folder = `${channelsFolder}/${names.folder}`;
  const files = new Map<string, string>([...registered, [`${folder}/README.md`, readme(names)]]);
  for (const path of await readdir(join(root, copied), { recursive: true, withFileTypes: true })) {
    if (!path.isFile()) continue;
    const within = join(path.parentPath, path.name).slice(join(root, copied).length + 1);
    if (ownToTests.test(within) || within === "README.md") continue;
    files.set(`${folder}/${within}`, renamed(cutOf(within, await readFile(join(root, copied, within), "utf8")), names));
  }
  for (const [list, path, kind] of [
    ["doors/inbound.ts", "inbound.ts", "Inbound"],
    ["doors/outbound.ts", "outbound.ts", "Outbound"],
    ["doors/simulator.ts", "simulator/simulator.ts", "Simulator"],
    ["conformance/forgers.ts", "forger.ts", "Forger"],
  ] as const) {
    const file = `${channelsFolder}/${list}`;
    files.set(file, listed(await readFile(join(root, file), "utf8"), `../${names.folder}/${path}`, names.camel + kind));
  }
  const sabotage = "proving/sabotage/g11.ts";
  files.set(sabotage, (await readFile(join(root, sabotage), "utf8")).replace(/\];\n$/, `${sabotageRow(names)}];\n`));

  for (const [file, text] of files) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), text);
  }
  const written = [...files.keys()];
  const formatted = written.filter((file) => file.endsWith(".ts"));
  await promisify(execFile)(join(root, "node_modules/.bin/biome"), ["check", "--write", "--vcs-enabled=false", ...formatted], {
    cwd: root,
  });
  return written;
}

function cutOf(file: string, text: string): string {
  return (cuts[file] ?? []).reduce<string>((before, cut) => {
    const after = before.replace(cut, "");
    if (after === before) throw new Error(`${copied}/${file} says no more ${cut}: mend proving/channels/new-channel.ts`);
    return after;
  }, text);
}

function renamed(text: string, { folder, slug, title, camel, pascal }: ChannelNames): string {
  return text
    .replace(/\btest(Channel|Inbound|Outbound|Simulator|Forger)\b/g, `${camel}$1`)
    .replace(/\bTestEvent\b/g, `${pascal}Event`)
    .replace(/X-Test-/g, `X-${folder.replace(/\b[a-z]/g, (letter) => letter.toUpperCase())}-`)
    .replace(/x-test-/g, `x-${folder}-`)
    .replace(/\/webhooks\/test\b/g, `/webhooks/${folder}`)
    .replace(/hostile-test-/g, `hostile-${folder}-`)
    .replace(/"test"/g, `"${slug}"`)
    .replace(/the platform of the project's own tests|the test platform/gi, title);
}

/** The import goes where its path has its place among the others. */
function listed(text: string, path: string, name: string): string {
  const lines = text.split("\n");
  const pathOf = (line: string) => /^import .* from "(\.\.\/.*)";$/.exec(line)?.[1];
  const before = lines.findIndex((line) => (pathOf(line) ?? "") > path);
  const behind = lines.findLastIndex((line) => pathOf(line) !== undefined) + 1;
  lines.splice(before < 0 ? behind : before, 0, `import { ${name} } from "${path}";`);
  return lines.join("\n").replace(/,?\s*\];\n$/, `, ${name}];\n`);
}

/** The registry and the test that keeps its slugs for ever. A name that was planned becomes active. */
async function registryWith(root: string, { slug, folder, title }: ChannelNames): Promise<[string, string][]> {
  const [registryFile, testFile] = ["proto/channels.yaml", "proto/channels.test.ts"];
  const [registry, test] = await Promise.all([registryFile, testFile].map((file) => readFile(join(root, file), "utf8")));
  if (registry === undefined || test === undefined) throw new Error("there is no registry");
  const alias = new RegExp(`aliases: \\[.*\\b${folder}\\b.*\\]`);
  if (alias.test(registry)) throw new Error(`"${folder}" is the alias of another channel in ${registryFile}`);
  const planned = new RegExp(`(- slug: ${slug}\\n.*\\n +status: )planned`);
  if (planned.test(registry))
    return [
      [registryFile, registry.replace(planned, "$1active")],
      [testFile, test.replace(`${slug} planned`, `${slug} active`)],
    ];
  const entry = `  - slug: ${slug}\n    name: ${/^[\w. ]+$/.test(title) ? title : JSON.stringify(title)}\n    status: active\n    aliases: []\n`;
  return [
    [registryFile, registry + entry],
    [testFile, test.replace(/(const settled = `[^`]*)`/, `$1,\n  ${slug} active\``)],
  ];
}

function sabotageRow({ folder, title }: ChannelNames): string {
  return `  {
    name: "signature-always-true-${folder}",
    description: "takes any signature of ${title} for the right one",
    file: "${channelsFolder}/${folder}/in/signature.ts",
    find: "if (await hmacSha256Fits(secret.value, signed, signature)) return",
    replace: "if ((await hmacSha256Fits(secret.value, signed, signature)) || secret.value !== \\"\\") return",
    tests: [{ file: "${channelsFolder}/${folder}/conformance.test.ts", name: /G11: judges the signature of/ }],
  },
`;
}

function readme({ title, folder, slug }: ChannelNames): string {
  return `# ${title}

Begun as a copy of the channel of the project's own tests. Say here what an operator must know of ${title}.

## Set-up

Where the app is registered, which scopes it needs, and the webhook's address: \`/webhooks/${folder}\`, or \`/webhooks/${folder}/<account id>\`.

| scheme | what the secret is |
|---|---|
| \`hmac-sha256-timestamped\` | the key of an HMAC-SHA256 over \`<seconds>.<body>\`, in the header \`X-${folder.replace(/\b[a-z]/g, (letter) => letter.toUpperCase())}-Signature\` |

## Settings

| setting | meaning |
|---|---|
| \`api_base_url\` | where the API is |
| \`bot_id\` | our own user, whose messages are left out |

## Ids

\`channel_type\` is \`${slug}\`. A message's id is the platform's own; an edit and a delete begin with it.

## Not verified

Everything: nothing was seen at the live platform.
`;
}
