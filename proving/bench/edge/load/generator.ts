// The load generator as its parent sees it.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import * as v from "valibot";
import type { Load, LoadFigures } from "./run.ts";

const figures = v.object({
  count: v.number(),
  refused: v.number(),
  perSecond: v.number(),
  p50Ms: v.number(),
  p99Ms: v.number(),
  maxMs: v.number(),
});
const said = v.variant("kind", [
  v.object({ kind: v.literal("measuring") }),
  v.object({ kind: v.literal("figures"), figures }),
  v.object({ kind: v.literal("failed"), reason: v.string() }),
]);

export class LoadGenerator implements AsyncDisposable {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = fork(join(import.meta.dirname, "main.ts"), { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** `measuring` is called when the warm-up is over. Rejects when no connection can be made. */
  run(load: Load, measuring: () => void): Promise<LoadFigures> {
    return new Promise((resolve, reject) => {
      const end = () => {
        this.#child.off("message", hear);
        this.#child.off("exit", gone);
      };
      const gone = () => {
        end();
        reject(new Error("the load generator ended"));
      };
      const hear = (message: unknown) => {
        const parsed = v.parse(said, message);
        if (parsed.kind === "measuring") return measuring();
        end();
        if (parsed.kind === "figures") resolve(parsed.figures);
        else reject(new Error(parsed.reason));
      };
      this.#child.on("message", hear);
      this.#child.on("exit", gone);
      this.#child.send(load);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, "exit");
    if (this.#child.connected) this.#child.disconnect();
    await ended;
  }
}
