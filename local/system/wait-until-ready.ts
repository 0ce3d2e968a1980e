// Waits until a health page says 200.

const lookEveryMs = 50;

/** Rejects with what the page last said when the time is up, and when the signal is aborted. */
export async function waitUntilReady(name: string, url: string, signal: AbortSignal, withinMs = 60_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  let said = "it does not answer";
  while (performance.now() < deadline) {
    signal.throwIfAborted();
    try {
      const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]) });
      const text = await response.text();
      if (response.ok) return;
      said = `${response.status} ${text.trim()}`;
    } catch (error) {
      said = error instanceof Error ? error.message : String(error);
    }
    await new Promise((wake) => setTimeout(wake, lookEveryMs));
  }
  throw new Error(`${name} was not ready within ${withinMs / 1_000} s: ${said}`);
}
