// The `mio` command without a process a command: one child serves a whole test file, and runs the very program that a terminal runs, from its
// words to its exit code. What is about the process itself (its list of arguments, its pipes) is proved with a process of its own.
import { fork } from "node:child_process";
import { join } from "node:path";
import * as v from "valibot";

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

export interface Mio extends AsyncDisposable {
  /** One after the other, in the order in which they were asked for. `input` is what stands on standard input. */
  run(words: readonly string[], env: Readonly<Record<string, string>>, input?: string): Promise<Ended>;
}

export interface Asked {
  id: number;
  words: readonly string[];
  env: Readonly<Record<string, string>>;
  input: string;
}

const answered = v.object({ id: v.number(), code: v.number(), stdout: v.string(), stderr: v.string() });

export function startMio(): Mio {
  const child = fork(join(import.meta.dirname, "mio-child.ts"), { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const waiting = new Map<number, PromiseWithResolvers<Ended>>();
  let asked = 0;
  child.on("message", (message) => {
    const { id, ...ended } = v.parse(answered, message);
    waiting.get(id)?.resolve(ended);
    waiting.delete(id);
  });
  const gone = new Promise<void>((resolve) =>
    child.once("exit", (code, signal) => {
      for (const each of waiting.values()) each.reject(new Error(`the child that runs mio ended with ${code ?? signal}`));
      waiting.clear();
      resolve();
    }),
  );
  return {
    run: (words, env, input = "") => {
      const ended = Promise.withResolvers<Ended>();
      const id = asked++;
      waiting.set(id, ended);
      child.send({ id, words, env, input } satisfies Asked);
      return ended.promise;
    },
    [Symbol.asyncDispose]: async () => {
      child.disconnect();
      await gone;
    },
  };
}
