// Waiting for a condition with a deadline, never for a time.

/** The first value that is not undefined or false. Rejects with the last error, or with what was waited for. */
export async function eventually<T>(
  what: string,
  read: () => Promise<T> | T,
  withinMs = 15_000,
): Promise<Exclude<T, undefined | false>> {
  const deadline = performance.now() + withinMs;
  let failure: unknown;
  while (performance.now() < deadline) {
    try {
      const value = await read();
      if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>;
      failure = undefined;
    } catch (error) {
      failure = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw failure ?? new Error(`waited ${withinMs} ms in vain: ${what}`);
}
