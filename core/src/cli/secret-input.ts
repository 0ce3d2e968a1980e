// How the command line is given a secret: from a file, from standard input, or typed at a prompt that shows nothing. Never as an argument, which
// the shell keeps in its history and the system shows to every user of the machine; and no error repeats what was given instead.
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
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
const sources = "@file, - for standard input, or nothing to be asked";

/** For one command: standard input is read once. */
export function secretInput(terminal: Terminal = process): SecretInput {
  let inputUsed = false;
  const read = async (option: string, source: string): Promise<string> => {
    if (source === "-") {
      if (inputUsed) throw new AdminError("invalid", "only one secret can come from standard input; put the other into a file");
      inputUsed = true;
      return checked(option, await text(terminal.stdin));
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
      if (at < 1) throw new AdminError("invalid", `--verification has the form scheme=<source>, the source being ${sources}`);
      return { scheme: given.slice(0, at), value: await read("--verification", given.slice(at + 1)) };
    },
    credential: (given) => read("--credential", given === true ? "" : given),
  };
}

/** Without the line's end that editors and `echo` add. */
function checked(option: string, content: string): string {
  const value = content.replace(/\r?\n$/, "");
  if (value === "") throw new AdminError("invalid", `the secret for ${option} is empty`);
  if (value.length > bytesMax) throw new AdminError("invalid", `the secret for ${option} is too long: ${bytesMax} at most`);
  return value;
}

function contentOf(option: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw new AdminError("invalid", `the file for ${option} cannot be read: is its name right, and may you read it?`);
  }
}

/** A line from the terminal, which meanwhile shows nothing. */
async function asked({ stdin, stderr }: Terminal, prompt: string): Promise<string> {
  if (stdin.isTTY !== true || stdin.setRawMode === undefined)
    throw new AdminError("invalid", "there is no terminal to ask for a secret at; give it as @file, or - for standard input");
  stderr.write(prompt);
  stdin.setRawMode(true);
  try {
    return await typedLine(stdin);
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
