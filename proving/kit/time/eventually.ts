// Waiting for a condition with a deadline, never for a time.

/** Only what hangs takes so long, also on a machine with five times its work. */
const defaultWithinMs = 40_000;

/** The first value that is not undefined or false. Rejects with the last error, or with what was waited for. */
export async function eventually<T>(
  what: string | (() => string),
  read: () => Promise<T> | T,
  withinMs = defaultWithinMs,
): Promise<Exclude<T, undefined | false>> {
  const deadline = performance.now() + withinMs;
  let failure: unknown;
  let askedAtMs: number;
  do {
    askedAtMs = performance.now();
    try {
      const value = await read();
      if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>;
      failure = undefined;
    } catch (error) {
      failure = error;
    }
    // A look at what is much takes its time; what is waited for gets as much.
    const tookMs = performance.now() - askedAtMs;
    await new Promise((resolve) => setTimeout(resolve, Math.max(20, tookMs)));
  } while (performance.now() < deadline);
  throw failure ?? new Error(`not within ${withinMs} ms: ${typeof what === "string" ? what : what()}`);
}
