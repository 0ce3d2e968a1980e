// Every API call of an app, in the order in which it arrived: the platform's own evidence of what was asked of it, and when.

/** Calls that are remembered. Beyond a quarter more, the oldest are forgotten. */
const requestsLoggedMax = 50_000;

export interface LoggedRequest {
  atMs: number;
  method: string;
  /** The platform's id of the conversation; empty when the call names none. */
  conversation: string;
  /** 0 until it is answered, and for ever when the answer is lost. */
  status: number;
  /** The platform's word for why it refused. */
  error: string;
}

export class RequestLog {
  readonly #requests: LoggedRequest[] = [];

  /** Logs an arrival; the caller fills in the status of the returned entry when it answers. */
  arrived(atMs: number, method: string, conversation: string): LoggedRequest {
    const request = { atMs, method, conversation, status: 0, error: "" };
    this.#requests.push(request);
    if (this.#requests.length > requestsLoggedMax * 1.25) this.#requests.splice(0, this.#requests.length - requestsLoggedMax);
    return request;
  }

  list(): readonly LoggedRequest[] {
    return this.#requests;
  }
}
