// A part of the local system: one process that can be killed, paused, stopped and started again while everything else goes on. The process
// changes with a restart, the part stays; whoever watches it is told of every start and of every end that nobody asked for.
import type { ManagedProcess, ProcessExit } from "./managed-process.ts";

export class Part implements AsyncDisposable {
  readonly name: string;
  /** Called with each new process; what it returns is awaited before the part counts as started. */
  onStart: ((pid: number) => void) | undefined;
  /** Called when the process ended and neither `stop` nor `kill` had asked for it. */
  onUnexpectedExit: ((exit: ProcessExit) => void) | undefined;
  readonly #start: () => Promise<ManagedProcess>;
  readonly #stopGraceMs: number;
  #current: ManagedProcess;
  #expected = new WeakSet<ManagedProcess>();

  /** `start` starts another process like `first`, on the same ports and data, and resolves when it is ready. */
  constructor(name: string, first: ManagedProcess, start: () => Promise<ManagedProcess>, stopGraceMs = 10_000) {
    this.name = name;
    this.#start = start;
    this.#stopGraceMs = stopGraceMs;
    this.#current = first;
    this.#watch(first);
  }

  get pid(): number {
    return this.#current.pid;
  }

  get running(): boolean {
    return this.#current.running;
  }

  /** Of the present process. */
  get exited(): Promise<ProcessExit> {
    return this.#current.exited;
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#expected.add(this.#current);
    this.#current.signal("SIGKILL");
    await this.#current.exited;
  }

  /** SIGSTOP: it keeps its sockets and says nothing. */
  pause(): void {
    this.#current.signal("SIGSTOP");
  }

  resume(): void {
    this.#current.signal("SIGCONT");
  }

  async stop(): Promise<void> {
    this.#expected.add(this.#current);
    await this.#current.stop(this.#stopGraceMs);
  }

  /** Stops it if it runs, and starts it again on the same ports and data. */
  async restart(): Promise<void> {
    await this.stop();
    this.#current = await this.#start();
    this.#watch(this.#current);
    this.onStart?.(this.#current.pid);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #watch(managed: ManagedProcess): void {
    void managed.exited.then((exit) => {
      if (!this.#expected.has(managed)) this.onUnexpectedExit?.(exit);
    });
  }
}
