// The child of mio.ts: before each command its arguments, environment and standard streams are made what they would be in a process of its own.
import { Readable } from "node:stream";
import { runMio } from "@mio/core/cli/run.ts";
import type { Asked } from "./mio.ts";

const path = process.env.PATH ?? "";
let last: Promise<void> = Promise.resolve();

process.on("message", (asked: Asked) => {
  last = last.then(async () => {
    const ended = await run(asked);
    process.send?.({ id: asked.id, ...ended });
  });
});
process.on("disconnect", () => process.exit());

async function run({ words, env, input }: Asked): Promise<{ code: number; stdout: string; stderr: string }> {
  process.argv = [process.execPath, "mio", ...words];
  process.env = { PATH: path, ...env };
  process.exitCode = undefined;
  Object.defineProperty(process, "stdin", { value: Readable.from(input === "" ? [] : [input]), configurable: true });
  const stdout = captured(process.stdout);
  const stderr = captured(process.stderr);
  try {
    const code = await runMio();
    return { code, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    stdout.release();
    stderr.release();
  }
}

/** What is written to a stream until it is released. */
function captured(stream: NodeJS.WriteStream): { text(): string; release(): void } {
  const write = stream.write;
  const written: string[] = [];
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    written.push(typeof chunk === "string" ? chunk : Buffer.from(chunk).toString());
    for (const each of rest) if (typeof each === "function") each();
    return true;
  };
  return {
    text: () => written.join(""),
    release: () => {
      stream.write = write;
    },
  };
}
