// Runs one piece of work over and over, a fixed number at a time, and tells how fast it went.

export interface Figures {
  count: number;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

/** Calls `work` with 0, 1, 2, … from `concurrency` loops for `seconds`, after a warm-up that does not count. */
export async function measure(
  options: { concurrency: number; seconds: number; warmUpSeconds?: number },
  work: (index: number) => Promise<void>,
): Promise<Figures> {
  let index = 0;
  let recording = false;
  const durations: number[] = [];
  const until = async (deadlineMs: number) => {
    const loop = async () => {
      while (performance.now() < deadlineMs) {
        const startedAtMs = performance.now();
        await work(index++);
        if (recording) durations.push(performance.now() - startedAtMs);
      }
    };
    await Promise.all(Array.from({ length: options.concurrency }, loop));
  };
  await until(performance.now() + 1_000 * (options.warmUpSeconds ?? 1));
  recording = true;
  const startedAtMs = performance.now();
  await until(startedAtMs + 1_000 * options.seconds);
  const elapsedSeconds = (performance.now() - startedAtMs) / 1_000;
  durations.sort((a, b) => a - b);
  const at = (share: number) => durations[Math.min(durations.length - 1, Math.floor(durations.length * share))] ?? 0;
  return { count: durations.length, perSecond: durations.length / elapsedSeconds, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

/** One line of a table: what was measured, and its ratio to a line of the same run. */
export function row(name: string, figures: Figures, beside?: Figures): string[] {
  const ratio = beside === undefined ? "" : `${(figures.perSecond / beside.perSecond).toFixed(2)}x`;
  return [
    name,
    figures.perSecond.toFixed(0),
    figures.p50Ms.toFixed(1),
    figures.p99Ms.toFixed(1),
    figures.maxMs.toFixed(0),
    ratio,
  ];
}

export function printTable(title: string, columns: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = columns.map((column, index) => Math.max(column.length, ...rows.map((each) => each[index]?.length ?? 0)));
  console.log(`\n${title}`);
  for (const each of [columns, ...rows]) {
    console.log(
      `  ${each.map((cell, index) => (index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0))).join("  ")}`,
    );
  }
}
