// The words of a program's command line: what is not understood ends it with one line and code 1, never with a stack trace.
import { type ParseArgsConfig, parseArgs } from "node:util";

/** As `parseArgs`; besides, `--help` prints the usage. Both ends are ends of the process. */
export function wordsOf<Config extends ParseArgsConfig>(name: string, usage: string, config: Config) {
  const words = config.args ?? process.argv.slice(2);
  if (words.includes("--help") || words.includes("-h")) {
    console.log(usage);
    process.exit(0);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    // The first sentence says it; what follows is advice for other programs.
    const said = error instanceof Error ? error.message.split(/\. |\n/)[0] : String(error);
    console.error(`${name}: ${said}; see --help`);
    process.exit(1);
  }
}

/** What commander says of words that it does not take, in our words: which option, why, and where help is. For `outputError`. */
export function refusal(name: string, help: string) {
  return (text: string, write: (line: string) => void): void => {
    const said = text
      .trim()
      .replace(/^error: /, "")
      .replace(/^command-argument value .* is invalid for argument '.*?'\. /, "")
      .replace(/^option '(?:-\w, )?(--[\w-]+)[^']*' argument .* is invalid\. /, "$1: ")
      .replace(/\.$/, "");
    write(`${name}: ${said}; ${help}\n`);
  };
}

/** A TCP port; 0 lets the system choose. Throws one line. */
export function portOf(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new Error(`--port is a number from 0 to 65535, not ${JSON.stringify(text)}`);
  return Number(text);
}
