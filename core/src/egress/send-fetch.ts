// The `fetch` of the sender. What matters is one fact: whether the request can have reached the platform. It is taken from the moment in
// which undici hands it to the socket, not guessed from error codes: before it every failure is `unavailable`, after it `unknown`.
import { DeliveryError, type SendFetch } from "@mio/shared/channels/contract/outbound.ts";
import { Agent, type Dispatcher } from "undici";

export interface RequestWatch {
  /** Ends the call and closes its socket: the deadline, a lapsed lease, a stop. */
  signal: AbortSignal;
  /** Asked as the last statement before the request is written; a reason keeps it from being written. */
  refuse: () => string | undefined;
  /** Told when the request is about to be written: from here on the platform may act on it. */
  written: () => void;
}

export interface SendClient {
  fetchFor(attempt: RequestWatch): SendFetch;
  close(): Promise<void>;
}

/** A platform's answers to API calls are small; one that is larger is not an answer. */
const responseBytesMax = 1024 * 1024;
const connectTimeoutMs = 5_000;
/** Shorter than what servers allow, so that we close an idle socket before they do: a close that crosses our request makes it `unknown`. */
const keepAliveMs = 4_000;

/** One pool of connections for all accounts; the caller bounds how many calls run. */
export function createSendClient(): SendClient {
  const agent = new Agent({
    connect: { timeout: connectTimeoutMs },
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
    // One request a socket: with several, one broken socket would make all of them unknown.
    pipelining: 1,
    allowH2: false,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    fetchFor: (attempt) => (url, init) => send(agent, attempt, url, init),
    close: () => agent.destroy(),
  };
}

function send(agent: Agent, attempt: RequestWatch, url: string, init: Parameters<SendFetch>[1]): Promise<Response> {
  const target = URL.parse(url);
  if (target === null || (target.protocol !== "http:" && target.protocol !== "https:"))
    return Promise.reject(new DeliveryError("rejected", "address_invalid", "the account's API address is not an http(s) URL"));
  return new Promise((resolve, reject) => {
    const handler = new Exchange(attempt, resolve, reject);
    if (handler.settled) return;
    try {
      agent.dispatch(
        {
          origin: target.origin,
          path: `${target.pathname}${target.search}`,
          method: methodOf(init.method),
          headers: init.headers,
          body: init.body ?? null,
        },
        handler,
      );
    } catch (cause) {
      handler.fail(cause);
    }
  });
}

/** One request and its answer. Identity and lifetime: it ends once, and until then listens to the attempt's signal. */
class Exchange implements Dispatcher.DispatchHandler {
  settled = false;
  readonly #attempt: RequestWatch;
  readonly #resolve: (response: Response) => void;
  readonly #reject: (error: DeliveryError) => void;
  readonly #onAbort: () => void;
  #controller: Dispatcher.DispatchController | undefined;
  #written = false;
  #status = 0;
  #headers = new Headers();
  #chunks: Uint8Array<ArrayBuffer>[] = [];
  #bytes = 0;

  constructor(attempt: RequestWatch, resolve: (response: Response) => void, reject: (error: DeliveryError) => void) {
    this.#attempt = attempt;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#onAbort = () => this.fail(attempt.signal.reason);
    if (attempt.signal.aborted) this.#onAbort();
    else attempt.signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Aborted while connecting, or offered a second time by the client: it must not go out (again).
    if (this.settled || this.#written) {
      controller.abort(new Error("not written"));
      return;
    }
    const refusal = this.#attempt.refuse();
    if (refusal !== undefined) {
      this.fail(new Error(refusal));
      return;
    }
    this.#written = true;
    this.#attempt.written();
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return;
    this.#status = status;
    for (const [name, value] of Object.entries(headers)) {
      for (const each of Array.isArray(value) ? value : [value ?? ""]) this.#headers.append(name, each);
    }
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.#bytes += chunk.byteLength;
    if (this.#bytes > responseBytesMax) this.fail(new Error(`the answer is larger than ${responseBytesMax} bytes`));
    else this.#chunks.push(Uint8Array.from(chunk));
  }

  onResponseEnd(): void {
    try {
      const body = this.#chunks.length === 0 ? null : new Blob(this.#chunks);
      // Throws for a status that HTTP does not have.
      const response = new Response(body, { status: this.#status, headers: this.#headers });
      if (this.#end()) this.#resolve(response);
    } catch (cause) {
      this.fail(cause);
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(error);
  }

  /** Ends the exchange without an answer; the socket is closed, so nothing more of it can arrive. */
  fail(cause: unknown): void {
    if (!this.#end()) return;
    this.#reject(this.#errorOf(cause));
    this.#controller?.abort(new Error("the call has ended"));
  }

  #errorOf(cause: unknown): DeliveryError {
    if (this.#written)
      return new DeliveryError("unknown", "no_answer", "the request was written and no complete answer came", { cause });
    const code = codeOf(cause);
    // A header or path that HTTP cannot carry stays so, however often it is tried.
    if (code === "UND_ERR_INVALID_ARG")
      return new DeliveryError("rejected", "request_invalid", "the request cannot be written as HTTP");
    return new DeliveryError("unavailable", "not_connected", `the request was not written: ${code}`, { cause });
  }

  #end(): boolean {
    if (this.settled) return false;
    this.settled = true;
    this.#attempt.signal.removeEventListener("abort", this.#onAbort);
    return true;
  }
}

/** Only the code: a message may hold the URL, and a URL may hold a token. */
function codeOf(cause: unknown): string {
  if (typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string") return cause.code;
  return cause instanceof Error ? cause.name : "no connection";
}

function methodOf(method: string): Dispatcher.HttpMethod {
  return method.toUpperCase();
}
