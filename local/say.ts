// `npm run say -- slack "hello"`: acts as a person on a simulated platform and prints the conversation as it unfolds, edits included. Ends with 0
// once the answer stands: it was edited into its final form, or came whole, and has not changed for a moment.
import { simulatorKinds } from "@mio/shared/channels/doors/simulator.ts";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { type Conversation, readConversation, type SeenMessage, writeMessage } from "./system/control-client.ts";
import { readLocalFile } from "./system/local-file.ts";
import { refusal } from "./words.ts";

interface Flags {
  data: string;
  json?: true;
  conversation: string;
  user: string;
  timeout: number;
}

const lookEveryMs = 100;
/** An answer that was edited stands when it has not changed for this long; one that came whole may still be edited. */
const editedStandsMs = 700;
const wholeStandsMs = 3_000;

async function main(): Promise<number> {
  const words = readWords();
  if (typeof words === "number") return words;
  const { channel, text, flags } = words;
  const system = await readLocalFile(flags.data);
  if (!system) throw new Error(`no local system runs on ${flags.data}: start one with npm start, or name its folder with --data`);
  const url = system.simulators[channel];
  const account = system.accounts.find((each) => each.channel_type === channel);
  if (url === undefined || !account) {
    throw new Error(`${spelt(channel)} is not running there; there are ${Object.keys(system.simulators).map(spelt).join(", ")}`);
  }
  const print = flags.json ? () => undefined : (line: string) => console.log(line);
  const startedAt = performance.now();
  const at = { url, appId: account.app_id };
  const posted = await writeMessage(at, { conversation: flags.conversation, user: flags.user, text });
  print(`${flags.user}: ${text}`);
  const follow = follower(posted.id, print);
  const deadline = startedAt + flags.timeout * 1_000;
  for (;;) {
    const answer = follow(await readConversation(at, posted.conversation), performance.now());
    if (answer) {
      const waitedMs = Math.round(performance.now() - startedAt);
      if (flags.json)
        console.log(JSON.stringify({ channel, conversation: posted.conversation, id: posted.id, answer, waited_ms: waitedMs }));
      return 0;
    }
    if (performance.now() > deadline) {
      throw new Error(
        `no final answer within ${flags.timeout} s; npm run mio -- status shows where it waits, ${system.data}/logs/core.log what was refused (error_code)`,
      );
    }
    await new Promise((wake) => setTimeout(wake, lookEveryMs));
  }
}

/** Takes one look at a time: prints what is new since the last, and gives the answer once it stands. */
function follower(
  askedId: string,
  print: (line: string) => void,
): (seen: Conversation, nowMs: number) => SeenMessage | undefined {
  const shown = new Map<string, number>();
  let changedAtMs: number | undefined;
  return (conversation, nowMs) => {
    const asked = conversation.messages.findIndex((message) => message.id === askedId);
    const after = asked < 0 ? [] : conversation.messages.slice(asked + 1);
    const answers = after.filter((message) => message.bot && concerns(message, askedId));
    for (const message of answers) {
      const forms = [...message.edits.map((edit) => edit.text), message.text];
      for (let index = shown.get(message.id) ?? 0; index < forms.length; index++) {
        print(`${message.author}${index === 0 ? "" : " (edited)"}: ${forms[index]}`);
        changedAtMs = nowMs;
      }
      shown.set(message.id, forms.length);
    }
    const last = answers.at(-1);
    if (!last || changedAtMs === undefined) return undefined;
    return nowMs - changedAtMs >= (last.edits.length > 0 ? editedStandsMs : wholeStandsMs) ? last : undefined;
  };
}

/** Answers to somebody else's message of the same conversation are not ours. */
function concerns(message: SeenMessage, askedId: string): boolean {
  const about = message.reply_to || message.thread;
  return !about || about === askedId;
}

/** The exit code when there is nothing to say: help was asked for, or the words are not understood. */
function readWords(): { channel: string; text: string; flags: Flags } | number {
  const known = simulatorKinds.map((kind) => kind.channelType);
  const program = new Command("npm run say --")
    .description("Acts as a person on a simulated platform of the local system and prints the conversation as it unfolds.")
    .argument("<channel>", `one of ${known.map(spelt).join(", ")}`, (word) => channelOf(word, known))
    .argument("<text>", "what to say")
    .option("--conversation <name>", "where to say it", "general")
    .option("--user <name>", "who says it", "ann")
    .option("--timeout <seconds>", "how long to wait for the final answer", seconds, 30)
    .option("--data <folder>", "data folder of the local system", ".mio")
    .option("--json", "print one line of JSON once the answer stands, and nothing else")
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({
      outputError: refusal("say", "npm run say -- --help"),
    });
  try {
    program.parse();
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    throw error;
  }
  const [channel, text] = program.processedArgs.map(String);
  return { channel: channel ?? "", text: text ?? "", flags: program.opts<Flags>() };
}

function channelOf(word: string, known: readonly string[]): string {
  const channel = word.replaceAll("-", "_");
  if (known.includes(channel)) return channel;
  throw new InvalidArgumentError(`there is no channel ${JSON.stringify(word)}; there are ${known.map(spelt).join(", ")}.`);
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 3_600)) throw new InvalidArgumentError("seconds from 1 to 3600 are needed.");
  return value;
}

function spelt(channel: string): string {
  return channel.replaceAll("_", "-");
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`say: ${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
});
