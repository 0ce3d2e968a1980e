// How the command line is given a secret: from a file, from standard input, or typed at a prompt that shows nothing. Never as an argument, which
// the shell keeps in its history and the system shows to every user of the machine; and no error repeats what was given instead.
import { readFileSync } from "node:fs";
import { buffer } from "node:stream/consumers";
import type { AccountSecret } from "../control/accounts/operation.ts";
import { AdminError } from "../control/admin-error.ts";

/** The terminal that a prompt asks at; a part of `process`. */
export interface Terminal {
  stdin: NodeJS.ReadableStream & { isTTY?: boolean; setRawMode?: (raw: boolean) => unknown };
  stderr: { write(text: string): unknown };
}

export interface SecretInput {
  /** `scheme=<source>`, as `--verification` takes it. */
  verification(given: string): Promise<AccountSecret>;
  /** The source alone; `true` when the option stands without one. */
  credential(given: string | true): Promise<string>;
}

const bytesMax = 65_536;
/** As channels name their schemes. */
const schemePattern = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const sources = "@file, - for standard input, or nothing to be asked";

/** For one command: standard input is read once. */
export function secretInput(terminal: Terminal = process): SecretInput {
  let inputUsed = false;
  const read = async (option: string, source: string): Promise<string> => {
    if (source === "-") {
      if (inputUsed) throw new AdminError("invalid", "only one secret can come from standard input; put the other into a file");
      inputUsed = true;
      return checked(option, await buffer(terminal.stdin));
    }
    if (source === "") return checked(option, await asked(terminal, `secret for ${option} (not shown): `));
    if (source.startsWith("@")) return checked(option, contentOf(option, source.slice(1)));
    throw new AdminError(
      "invalid",
      `${option} takes no secret as an argument, where other users of this machine see it: give ${sources}. If what you typed was the secret, replace it at the platform`,
    );
  };
  return {
    verification: async (given) => {
      const at = given.indexOf("=");
      // What is no scheme's name may be a secret in base64, which ends with the same sign.
      if (at < 1 || !schemePattern.test(given.slice(0, at)))
        throw new AdminError("invalid", `--verification has the form scheme=<source>, the source being ${sources}`);
      return { scheme: given.slice(0, at), value: await read("--verification", given.slice(at + 1)) };
    },
    credential: (given) => read("--credential", given === true ? "" : given),
  };
}

/** Without the mark that some editors put first, and the line's end that they and `echo` add. A public key has lines of its own. */
function checked(option: string, content: Uint8Array): string {
  if (content.length > bytesMax)
    throw new AdminError("invalid", `the secret for ${option} is too long: ${bytesMax} bytes at most`);
  const value = textOf(content)?.replace(/\r?\n$/, "");
  if (value === "") throw new AdminError("invalid", `the secret for ${option} is empty`);
  // No platform gives out such a one, and as a header it would fail with each message.
  if (value === undefined || (option === "--credential" ? /\p{Cc}/u : /[^\P{Cc}\r\n\t]/u).test(value))
    throw new AdminError(
      "invalid",
      `the secret for ${option} is no text in UTF-8, or has control characters in it: give it once more, alone and as the platform shows it`,
    );
  return value;
}

function textOf(content: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(content);
  } catch {
    return undefined;
  }
}

function contentOf(option: string, file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch {
    throw new AdminError("invalid", `the file for ${option} cannot be read: is its name right, and may you read it?`);
  }
}

/** A line from the terminal, which meanwhile shows nothing. */
async function asked({ stdin, stderr }: Terminal, prompt: string): Promise<Uint8Array> {
  if (stdin.isTTY !== true || stdin.setRawMode === undefined)
    throw new AdminError("invalid", "there is no terminal to ask for a secret at; give it as @file, or - for standard input");
  stderr.write(prompt);
  stdin.setRawMode(true);
  try {
    return Buffer.from(await typedLine(stdin));
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write("\n");
  }
}

/** In raw mode keys come as they are: Enter ends the line, Backspace takes back, Ctrl-C and Ctrl-D give up. */
async function typedLine(stdin: NodeJS.ReadableStream): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let line: string[] = [];
  const onData = (chunk: unknown) => {
    for (const key of String(chunk)) {
      if (key === "\r" || key === "\n") return resolve(line.join(""));
      if (key === "\u0003" || key === "\u0004") return reject(new AdminError("invalid", "no secret was given"));
      if (key === "\u007f" || key === "\b") line = line.slice(0, -1);
      else line.push(key);
    }
  };
  stdin.on("data", onData);
  try {
    return await promise;
  } finally {
    stdin.off("data", onData);
  }
}
