// The parts of a system in the order in which they stop: first what lets messages in, last what keeps them. A part that is still starting is
// given up and waited for, so that nothing half-started stays behind.
import type { ProcessExit } from "../servers/managed-process.ts";
import type { Part } from "../servers/part.ts";

/** Stopped from first to last; those of one tier side by side. The platforms stay until core has delivered what it has in hand. */
const tiers = ["entrance", "core", "platforms", "bus", "database"] as const;
export type Tier = (typeof tiers)[number];

export class Tiers {
  /** Resolves with one line when a part has ended that nobody stopped. */
  readonly broken: Promise<string>;
  /** Called when a part runs as another process. */
  onChange: (() => void) | undefined;
  readonly #parts: { tier: Tier; part: Part }[] = [];
  readonly #starting = new Set<Promise<unknown>>();
  readonly #giveUp = new AbortController();
  readonly #note: (part: Part) => void;
  #break: (line: string) => void = () => undefined;
  #up = false;
  #stopping: Promise<void> | undefined;

  /** `note` is told of each part and again of each of its restarts. */
  constructor(note: (part: Part) => void) {
    this.#note = note;
    this.broken = new Promise((resolve) => {
      this.#break = resolve;
    });
  }

  /** Aborted when the start is given up. */
  get signal(): AbortSignal {
    return this.#giveUp.signal;
  }

  /** Starts a part of a tier. `start` must end its process when the signal is aborted. */
  start<T extends Part>(tier: Tier, start: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const starting = this.#start(tier, start);
    const settled = starting.catch(() => undefined).finally(() => this.#starting.delete(settled));
    this.#starting.add(settled);
    return starting;
  }

  /** From now on `stop` goes tier by tier. */
  allUp(): void {
    this.#up = true;
  }

  pids(): Record<string, number> {
    return Object.fromEntries(this.#parts.map(({ part }) => [part.name, part.pid]));
  }

  /** Gives up starting. */
  giveUp(): void {
    if (!this.#up) this.#giveUp.abort(new Error("stopped while starting"));
  }

  /** Resolves when no part runs; calling it again waits for the same. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #start<T extends Part>(tier: Tier, start: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#giveUp.signal.throwIfAborted();
    const part = await start(this.#giveUp.signal);
    this.#parts.push({ tier, part });
    this.#note(part);
    part.onStart = () => {
      this.#note(part);
      this.onChange?.();
    };
    part.onUnexpectedExit = (exit) => this.#break(`${part.name} (process ${part.pid}) ended by itself, ${describe(exit)}`);
    return part;
  }

  async #stop(): Promise<void> {
    this.giveUp();
    await Promise.all(this.#starting);
    for (const tier of tiers) {
      await Promise.all(this.#parts.filter((each) => each.tier === tier).map((each) => each.part.stop()));
    }
  }
}

function describe(exit: ProcessExit): string {
  return exit.signal ? `killed by ${exit.signal}` : `with code ${exit.code}`;
}
