// The way back from a platform's consent page: the person's browser brings a code, core exchanges it, and a page says what happened. The
// edge decides nothing and keeps nothing; neither code nor state goes into a log or the page.
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { OAuthAnswer_Outcome } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { oauthSubject } from "@mio/shared/bus/names/subjects.ts";
import { decodeOAuthAnswer, encodeOAuthCallback, statePattern } from "@mio/shared/bus/wire/oauth.ts";
import type { OAuthOutcome } from "@mio/shared/bus/wire/telemetry.ts";
import type { InboundDoor } from "@mio/shared/channels/contract/inbound.ts";
import type { Clock } from "@mio/shared/clock.ts";
import type { Random } from "@mio/shared/random.ts";
import { traceparentOf } from "../webhook/trace.ts";
import type { Asked } from "./ask-core.ts";
import { type OAuthNames, oauthPage } from "./oauth-page.ts";

export interface OAuthPorts {
  /** Sends one request to core. Rejects only when the object that holds the connection cannot be reached. */
  askCore(subject: string, body: Uint8Array<ArrayBuffer>, timeoutMs: number): Promise<Asked>;
  clock: Clock;
  random: Random;
  region: string;
}

export interface OAuthResult {
  outcome: OAuthOutcome;
  response: Response;
  traceparent: string;
}

/** Core gives the platform 6,000 ms; the rest is for the way and the database. */
const coreDeadlineMs = 8_000;
/** Codes are a few hundred characters at most. */
const queryLengthMax = 4_096;
const codePattern = /^[\x21-\x7e]{1,1024}$/;
const errorPattern = /^[A-Za-z0-9_.-]{1,64}$/;

/** `door` is undefined for a channel that we do not have. Never rejects. */
export async function receiveOAuthCallback(
  ports: OAuthPorts,
  door: InboundDoor | undefined,
  request: Request,
): Promise<OAuthResult> {
  const traceparent = traceparentOf(request.headers, ports.random);
  const { outcome, names } = await outcomeOf(ports, door, request, traceparent);
  return { outcome, response: oauthPage(outcome, names), traceparent };
}

async function outcomeOf(
  ports: OAuthPorts,
  door: InboundDoor | undefined,
  request: Request,
  traceparent: string,
): Promise<{ outcome: OAuthOutcome; names?: OAuthNames }> {
  // A link checker's HEAD must not use up what the person's GET needs.
  if (request.method !== "GET") return { outcome: "method" };
  if (door?.channel.callbackParameters === undefined) return { outcome: "not_offered" };
  const query = queryOf(request.url, ["state", "code", "error", ...door.channel.callbackParameters]);
  if (query === undefined) return { outcome: "bad_request" };
  const { state = "", code = "", error = "", ...parameters } = query;
  if (!statePattern.test(state)) return { outcome: "unknown" };
  if (code === "" ? error === "" : !codePattern.test(code)) return { outcome: "bad_request" };
  const body = encodeOAuthCallback({
    channelType: door.channel.slug,
    state,
    code,
    error: error === "" || errorPattern.test(error) ? error : "unreadable",
    parameters,
    receivedAt: timestampFromMs(ports.clock.nowMs()),
    region: ports.region,
    traceparent,
  });
  return answered(await ask(ports, oauthSubject(door.channel.slug), body));
}

/** The parameters of these names; undefined when one is doubled, for who knows which was meant, or when all are too long. */
function queryOf(url: string, names: readonly string[]): Record<string, string> | undefined {
  const { search, searchParams } = new URL(url);
  if (search.length > queryLengthMax) return undefined;
  const query: Record<string, string> = {};
  for (const name of names) {
    const [value, ...more] = searchParams.getAll(name);
    if (more.length > 0) return undefined;
    if (value !== undefined) query[name] = value;
  }
  return query;
}

/** An object that was replaced meanwhile may have sent the request, or not. */
async function ask(ports: OAuthPorts, subject: string, body: Uint8Array<ArrayBuffer>): Promise<Asked> {
  try {
    return await ports.askCore(subject, body, coreDeadlineMs);
  } catch {
    return { kind: "silent" };
  }
}

function answered(asked: Asked): { outcome: OAuthOutcome; names?: OAuthNames } {
  if (asked.kind === "away") return { outcome: "core_away" };
  if (asked.kind === "silent") return { outcome: "not_known_yet" };
  const decoded = decodeOAuthAnswer(asked.body);
  // Of a newer core, or of none: the page that a reload mends is the honest one.
  if (decoded.kind !== "decoded") return { outcome: "not_known_yet" };
  const { outcome, workspaceName: workspace, tenantName: tenant } = decoded.value;
  return { outcome: pageOf[outcome] ?? "not_known_yet", names: { workspace, tenant } };
}

const pageOf: Readonly<Partial<Record<OAuthAnswer_Outcome, OAuthOutcome>>> = {
  [OAuthAnswer_Outcome.CONNECTED]: "connected",
  [OAuthAnswer_Outcome.DENIED]: "denied",
  [OAuthAnswer_Outcome.EXPIRED]: "expired",
  [OAuthAnswer_Outcome.USED]: "used",
  [OAuthAnswer_Outcome.UNKNOWN]: "unknown",
  [OAuthAnswer_Outcome.IN_PROGRESS]: "in_progress",
  [OAuthAnswer_Outcome.UNAVAILABLE]: "unavailable",
  [OAuthAnswer_Outcome.REJECTED]: "rejected",
  [OAuthAnswer_Outcome.TAKEN]: "taken",
  [OAuthAnswer_Outcome.NOT_OFFERED]: "not_offered",
};
