// What must hold of the answer to any request at all. Whether a request is genuine is decided here by the channel's forger, so that a
// door's mistake is not its own witness.

import type { IngressEvent } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { decodeMessage } from "@mio/shared/bus/wire/envelope.ts";
import { verifiedByChannel } from "@mio/shared/bus/wire/ingress-group.ts";
import type { ForgedAccount } from "@mio/shared/channels/conformance/forger.ts";
import { canary } from "./canary.ts";
import type { HostileRequest } from "./hostile-case.ts";

export interface Observed {
  /** Undefined when there was no answer: it hung, or the connection broke. */
  status: number | undefined;
  stored: readonly IngressEvent[];
}

const bodyBytesMax = 1024 * 1024;
/** Beyond it an event that holds the whole body may be too large for the bus. */
const surelyStoredBytes = 256 * 1024;
/** As core takes them; an accepted event that core must put aside was never understood. */
const sourceMessageIdBytesMax = 1_024;

/** What is wrong, as a sentence; undefined when nothing is. */
export function complaint(request: HostileRequest, { status, stored }: Observed, nowMs: number): string | undefined {
  if (status === undefined) return "it was not answered";
  // A server in front of us may not know a method; that is no fault of ours.
  const unknownMethod = status === 501 && !/^(GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH)$/.test(request.method);
  if (status >= 500 && !unknownMethod) return `it was answered ${status}`;
  const { forger, body } = request;
  const headers = headersOf(request.headers);
  const proven = (account: ForgedAccount) => forger.proves(account, headers, body, nowMs);
  for (const event of stored) {
    const wrong = wrongWith(event, request, proven);
    if (wrong !== undefined) return wrong;
  }
  if (stored.length > 0 && (status < 200 || status > 299)) return `it was stored, and answered ${status}`;
  if (stored.length > 0 && body.length > bodyBytesMax) return "a body over the limit was stored";
  const genuine = request.of !== undefined && request.method === "POST" && proven(request.of);
  if (genuine && status !== 200 && body.length <= surelyStoredBytes) return `it is genuine, and was answered ${status}`;
  const tooLarge = request.of !== undefined && request.method === "POST" && body.length > bodyBytesMax;
  if (tooLarge && status !== 413) return `its body is over the limit, and it was answered ${status}`;
  const anybody = forger.accounts.some(proven);
  const page = /^\/(health|oauth)(\/|$|\?)/.test(request.target);
  if (!anybody && status < 300 && !page && !forger.unsignedHandshake?.(headers, body))
    return `nobody signed it, and it was answered ${status}`;
  return undefined;
}

/** What a log may not hold; undefined when it holds none of it. */
export function indiscretion(lines: readonly string[], secrets: readonly string[]): string | undefined {
  for (const line of lines) {
    if (line.includes(canary)) return "the log tells what a request held";
    if (secrets.some((secret) => line.includes(secret))) return "the log tells a secret";
    if (line.length > 1_000) return "a log line is longer than 1,000 characters";
    if (/unhandled|uncaught/i.test(line)) return `the log tells of an unhandled error: ${line}`;
    if (/"reason":"[a-z]+_threw"/.test(line)) return `a door threw: ${line}`;
    if (/"event":"request_failed"/.test(line)) return `a request failed: ${line}`;
  }
  return undefined;
}

function wrongWith(
  event: IngressEvent,
  request: HostileRequest,
  proven: (account: ForgedAccount) => boolean,
): string | undefined {
  const { forger, of, body, target } = request;
  const entry = event.body.case === "quarantine" ? event.body.value : undefined;
  if (entry && event.accountId === "") {
    const owner = forger.accounts.find(({ accountId }) => accountId === entry.verifiedBy);
    const verifier = entry.verifiedBy === verifiedByChannel || (owner !== undefined && proven(owner));
    return verifier ? undefined : "an entry of nobody's names somebody who did not sign it";
  }
  const account = forger.accounts.find(({ accountId }) => accountId === event.accountId);
  if (!account || account.tenantId !== event.tenantId) return "an event was stored for a stranger";
  if (!proven(account)) return "a forgery was accepted";
  if (of !== undefined && of !== account) return "an event of another account than the URL's was stored";
  if (event.channelType !== forger.channelType) return "an event of another channel was stored";
  if (event.body.case !== "message") return undefined;

  const text = Buffer.from(body).toString("utf8");
  const shares = forger.accounts.filter((other) => other !== account && other.secret === account.secret);
  // Its text may name the other workspace too; naming only the other one it is somebody else's.
  if (!text.includes(account.externalId) && shares.some(({ externalId }) => text.includes(externalId)))
    return `a message of another workspace was accepted on ${target}`;
  const id = event.sourceMessageId;
  if (id === "" || id.includes("\0") || Buffer.byteLength(id) > sourceMessageIdBytesMax)
    return "a message was accepted whose id core cannot keep";
  if (!/^(\d{4}-\d\d-\d\d)?$/.test(event.eventDay)) return `the day of an event is ${JSON.stringify(event.eventDay)}`;
  const decoded = decodeMessage(event.body.value);
  return decoded.kind === "message" ? undefined : `a message was accepted that is ${decoded.kind}`;
}

function headersOf(pairs: readonly [string, string][]): Headers {
  const headers = new Headers();
  for (const [name, value] of pairs) headers.append(name, value);
  return headers;
}
