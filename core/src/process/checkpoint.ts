// Named points between two facts ("keys inserted", "published", "marked"). A fault run names one, and there this process kills or stops
// itself for real; without a name a checkpoint costs one comparison.

/**
 * `text` is `<name>:<kill|pause>[:<skip>]`: at the (skip + 1)-th pass of that point the process sends itself SIGKILL or SIGSTOP.
 * Throws when the text is of another form.
 */
export function checkpoints(
  text: string | undefined,
  raise: (signal: "SIGKILL" | "SIGSTOP") => void,
): (name: string) => Promise<void> {
  if (text === undefined) return () => Promise.resolve();
  const match = /^([a-z_.]+):(kill|pause)(?::(\d+))?$/.exec(text);
  if (!match) throw new Error("MIO_CHECKPOINT is not of the form dedup.published:kill[:<passes to skip>]");
  let left = Number(match[3] ?? 0);
  return async (name) => {
    if (name !== match[1] || left < 0) return;
    if (left-- > 0) return;
    raise(match[2] === "kill" ? "SIGKILL" : "SIGSTOP");
  };
}
