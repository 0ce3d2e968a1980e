// One JSON line an event on standard output. Lines of one turn of the event loop leave in one write, for a write to a pipe waits for it.

/** `flush` writes what is waiting; call it before the process ends. */
export function createLog(write: (text: string) => void): { log(line: Readonly<Record<string, unknown>>): void; flush(): void } {
  let waiting: string[] = [];
  const flush = () => {
    if (waiting.length > 0) write(`${waiting.join("\n")}\n`);
    waiting = [];
  };
  return {
    log: (line) => {
      if (waiting.push(JSON.stringify(line)) === 1) setImmediate(flush);
    },
    flush,
  };
}
