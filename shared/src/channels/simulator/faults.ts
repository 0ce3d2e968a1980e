// The ways in which a simulated platform can be told to misbehave, each for the next `count` times. Not kept over a restart.

const apiFaultKinds = ["answer_lost", "answer_late", "rate_limited", "unavailable"] as const;
const webhookFaultKinds = ["webhook_twice", "webhook_late"] as const;
export const faultKinds = [...apiFaultKinds, ...webhookFaultKinds] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface Fault {
  kind: FaultKind;
  count: number;
  /** How late, for the late kinds and as the wait that `rate_limited` asks for. */
  ms: number;
  /** Only API calls of this method; every one when empty. */
  method: string;
}

/** What befalls one API call; undefined for what does not. */
export interface InjectedFault {
  /** Refused before anything is carried out. */
  refusal: { kind: "rate_limited"; retryAfterMs: number } | { kind: "unavailable" } | undefined;
  lateMs: number;
  lost: boolean;
}

export class Faults {
  #faults: Fault[] = [];

  add(fault: Fault): void {
    this.#faults.push({ ...fault });
  }

  clear(): void {
    this.#faults = [];
  }

  list(): readonly Fault[] {
    return this.#faults;
  }

  /** Uses up what applies to this call. A refused call uses up nothing else: it has no answer to lose. */
  takeForCall(method: string): InjectedFault {
    const limited = this.#take("rate_limited", method);
    if (limited) return { refusal: { kind: "rate_limited", retryAfterMs: limited.ms }, lateMs: 0, lost: false };
    if (this.#take("unavailable", method)) return { refusal: { kind: "unavailable" }, lateMs: 0, lost: false };
    const lateMs = this.#take("answer_late", method)?.ms ?? 0;
    return { refusal: undefined, lateMs, lost: this.#take("answer_lost", method) !== undefined };
  }

  takeForWebhook(): { lateMs: number; twice: boolean } {
    return { lateMs: this.#take("webhook_late", "")?.ms ?? 0, twice: this.#take("webhook_twice", "") !== undefined };
  }

  #take(kind: FaultKind, method: string): Fault | undefined {
    const index = this.#faults.findIndex((fault) => fault.kind === kind && (fault.method === "" || fault.method === method));
    const fault = this.#faults[index];
    if (!fault) return undefined;
    fault.count -= 1;
    if (fault.count <= 0) this.#faults.splice(index, 1);
    return fault;
  }
}
