// What every program of ours that the local system starts has in common: it says when it is ready, ends in peace on SIGTERM and SIGINT,
// and ends when whoever started it is gone.

/** Runs `start`, then reports what it gives; `stop` is called once. Started by hand, without a parent, it prints instead. */
export async function runPart<T extends { stop(): Promise<void>; report: Record<string, unknown> }>(
  name: string,
  start: () => Promise<T>,
): Promise<void> {
  let stopping = false;
  const asked = new Promise<void>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => resolve());
    process.once("disconnect", () => resolve());
  });
  try {
    const part = await start();
    const message = { kind: "ready", ...part.report };
    if (process.send) process.send(message);
    else process.stdout.write(`${JSON.stringify(message)}\n`);
    await asked;
    if (!stopping) {
      stopping = true;
      await part.stop();
    }
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}
