// `npm run channel:new -- <name>`: begins a channel that is green at once.
import { join } from "node:path";
import { wordsOf } from "@mio/local/words.ts";
import { filesSaying } from "../house/channel-names.ts";
import { nameFault } from "./folders.ts";
import { namesOf } from "./names.ts";
import { newChannel } from "./new-channel.ts";

const usage = `Usage: npm run channel:new -- <name> [--title "Acme Chat"]

Begins a channel: a folder in shared/src/channels that has every part a channel must have and passes every suite, its lines in the lists of
doors and forgers, an entry in proto/channels.yaml, and a row in the saboteur's table. <name> is that of the platform in lower case, its words
with hyphens, as in acme-chat; it is never changed later. What to do then stands in docs/extend/channel.md.`;

const { values, positionals } = wordsOf("channel:new", usage, {
  options: { title: { type: "string" } },
  allowPositionals: true,
});

try {
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0) throw new Error("give one name, as in: npm run channel:new -- acme-chat");
  const names = namesOf(name, values.title);
  const root = join(import.meta.dirname, "../..");
  const fault = nameFault(root, names.folder);
  if (fault) throw new Error(fault);
  const [said] = filesSaying(names.slug);
  if (said)
    throw new Error(
      `${said} says "${names.slug}", and no file of edge or core may contain a channel's name: choose a longer one`,
    );
  const written = await newChannel(root, names);
  console.log(`${written.join("\n")}\n
The channel ${names.title} stands and is green: npm test -- shared/src/channels/${names.folder} proving/channels
Now make it the platform, in the order of docs/extend/channel.md: fixtures, in/, out/, channel.ts, simulator/, forger.ts, install.ts if people connect by OAuth, README.md.`);
} catch (error) {
  console.error(`channel:new: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
