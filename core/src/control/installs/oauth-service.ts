// Answers the edge's OAuth callbacks: one of all admin processes takes each. What is in hand at a stop is finished first.
import { once } from "node:events";
import { OAuthAnswer_OutcomeSchema, OAuthAnswer_Outcome as Outcome } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import type { BusMessage } from "@mio/shared/bus/client/connection.ts";
import { oauthQueue, oauthSubject, oauthSubjects } from "@mio/shared/bus/names/subjects.ts";
import { traceIdOf } from "@mio/shared/bus/names/trace.ts";
import { decodeOAuthCallback, encodeOAuthAnswer } from "@mio/shared/bus/wire/oauth.ts";
import { doorsIn } from "@mio/shared/channels/doors/doors-in.ts";
import { installDoors } from "@mio/shared/channels/doors/install.ts";
import type { SecretStore } from "../../accounts/secret-store.ts";
import { createSendClient } from "../../egress/send-fetch.ts";
import type { ServiceContext } from "../../service.ts";
import { type Answer, answerCallback, type OAuthTools } from "./oauth-callback.ts";

/** Less than the edge waits for us, so that it hears what came of it. */
const exchangeDeadlineMs = 6_000;
/** Anybody may send a callback, and each costs one query; above so many at once the rest are asked to retry. */
const inHandMax = 32;

/** Resolves when the context's signal is aborted and nothing is in hand any more. */
export async function serveOAuth(context: ServiceContext, secrets: SecretStore): Promise<void> {
  const { nats, db, config, log, signal } = context;
  const client = createSendClient();
  const fetch = () =>
    client.fetchFor({ signal: AbortSignal.timeout(exchangeDeadlineMs), refuse: () => undefined, written: () => {} });
  const tools = { db, secrets, doors: doorsIn(config.environment, installDoors), apps: config.oauthApps, fetch };
  const inHand = new Set<Promise<void>>();
  const callback = (error: Error | null, message: BusMessage) => {
    if (error) return log.error({ err: error }, "the bus does not let core hear OAuth callbacks");
    // The caller names the subject of the answer, so only an inbox is answered.
    const { reply } = message;
    if (!reply?.startsWith("_INBOX")) return;
    const respond = (body: Uint8Array) => nats.publish(reply, body);
    const answering: Promise<void> = answer(context, tools, message, respond, inHand.size >= inHandMax).finally(() =>
      inHand.delete(answering),
    );
    inHand.add(answering);
  };
  const subscription = nats.subscribe(oauthSubjects, { queue: oauthQueue, callback });
  if (!signal.aborted) await once(signal, "abort");
  subscription.unsubscribe();
  await Promise.all(inHand);
  await client.close();
}

/** Never rejects. */
async function answer(
  { log }: ServiceContext,
  tools: OAuthTools,
  message: BusMessage,
  respond: (body: Uint8Array) => void,
  busy: boolean,
): Promise<void> {
  const startedMs = performance.now();
  const decoded = decodeOAuthCallback(message.data);
  const callback = decoded.kind === "decoded" ? decoded.value : undefined;
  let given: Answer;
  try {
    // A newer edge than core, or a channel at odds with its subject: nothing that we can do now.
    if (busy || !callback || oauthSubject(callback.channelType) !== message.subject) given = { outcome: Outcome.UNAVAILABLE };
    else given = await answerCallback(tools, callback);
  } catch (error) {
    log.error({ err: error }, "an OAuth callback failed");
    given = { outcome: Outcome.UNAVAILABLE };
  }
  const { outcome, workspaceName = "", tenantName = "", installId, accountId, reason } = given;
  respond(encodeOAuthAnswer({ outcome, workspaceName, tenantName }));
  log.info(
    {
      channel_type: callback?.channelType,
      install_id: installId,
      account_id: accountId,
      outcome: OAuthAnswer_OutcomeSchema.value[outcome]?.localName.toLowerCase(),
      reason,
      trace_id: traceIdOf(callback?.traceparent),
      duration_ms: Math.round(performance.now() - startedMs),
    },
    "OAuth callback",
  );
}
