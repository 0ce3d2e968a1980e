// What a source has received and its reader has not taken yet, in order. Flow control waits in it like an event and is answered when all before it
// has been taken: so a slow reader bounds memory by itself.

export interface EventQueue<Event> {
  push(event: Event): void;
  /** To be answered in its turn. */
  pushFlowControl(reply: string): void;
  /** The same, unless it waits here already. */
  remindOfFlowControl(reply: string): void;
  /** The next event, or undefined when there is none yet; answers the flow control before it. */
  take(): Event | undefined;
  /** Resolves when there may be something to take; false once closed. */
  readable(): Promise<boolean>;
  clear(): void;
  close(): void;
  /** What was received and not taken yet. */
  size(): number;
}

type Queued<Event> = { kind: "event"; event: Event } | { kind: "flow_control"; reply: string };

export function createEventQueue<Event>(answer: (reply: string) => void): EventQueue<Event> {
  let buffer: Queued<Event>[] = [];
  let taken = 0;
  let closed = false;
  let wake: (() => void) | undefined;

  return { push, pushFlowControl, remindOfFlowControl, take, readable, clear, close, size: () => buffer.length - taken };

  function push(event: Event): void {
    add({ kind: "event", event });
  }

  function pushFlowControl(reply: string): void {
    add({ kind: "flow_control", reply });
  }

  function remindOfFlowControl(reply: string): void {
    if (!buffer.some((each) => each.kind === "flow_control" && each.reply === reply)) pushFlowControl(reply);
  }

  function add(queued: Queued<Event>): void {
    buffer.push(queued);
    wake?.();
    wake = undefined;
  }

  function take(): Event | undefined {
    while (taken < buffer.length) {
      const queued = buffer[taken];
      taken += 1;
      if (queued?.kind === "flow_control") answer(queued.reply);
      else if (queued) return queued.event;
    }
    clear();
    return undefined;
  }

  async function readable(): Promise<boolean> {
    if (taken < buffer.length) return true;
    if (!closed) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return !closed;
  }

  function clear(): void {
    buffer = [];
    taken = 0;
  }

  function close(): void {
    closed = true;
    clear();
    wake?.();
  }
}
