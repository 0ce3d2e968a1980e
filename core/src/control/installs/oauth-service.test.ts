// The service on a real bus: who is answered, what strangers get, and how it stops.

import { create, toBinary } from "@bufbuild/protobuf";
import { OAuthCallbackSchema, OAuthAnswer_Outcome as Outcome } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { ErrorCode, type NatsConnection } from "@mio/proving/kit/bus/client.ts";
import { connectTo } from "@mio/proving/kit/bus/connection.ts";
import { testNats } from "@mio/proving/kit/bus/nats.ts";
import { type TestContext, testContext } from "@mio/proving/kit/core/context.ts";
import { testDatabase } from "@mio/proving/kit/database/postgres.ts";
import { testSecrets } from "@mio/proving/kit/database/secrets.ts";
import { oauthSubject } from "@mio/shared/bus/names/subjects.ts";
import { decodeOAuthAnswer, encodeOAuthCallback } from "@mio/shared/bus/wire/oauth.ts";
import { installDoors } from "@mio/shared/channels/doors/install.ts";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { serveOAuth } from "./oauth-service.ts";

const channelType = installDoors[0]?.channel.slug ?? "";
const apps = JSON.stringify({ [channelType]: { client_id: "1", client_secret: "app-secret" } });
const database = await testDatabase();
const server = await testNats({});

let nats: NatsConnection;
let context: TestContext;
let running: Promise<void>;
let logged: string;

beforeAll(async () => {
  nats = await connectTo(server.url);
});
beforeEach(async () => {
  logged = "";
  const write = (line: string) => {
    logged += line;
  };
  const log = pino({ level: "info" }, { write });
  context = testContext({ nats, dsn: database.dsn, env: { MIO_OAUTH_APPS: apps }, log });
  running = serveOAuth(context, testSecrets(context.db));
  await nats.flush();
  return async () => {
    await context[Symbol.asyncDispose]();
    await running;
  };
});
afterAll(async () => {
  await nats?.close();
  await server[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const callback = { channelType, state: "s".repeat(43), code: "the-code" };

async function ask(body: Uint8Array, subject = oauthSubject(channelType)): Promise<Outcome | string> {
  const answer = decodeOAuthAnswer((await nats.request(subject, body, { timeout: 5_000 })).data);
  return answer.kind === "decoded" ? answer.value.outcome : answer.kind;
}

it("answers everybody, and strangers nothing of use", async () => {
  expect(await ask(encodeOAuthCallback(callback))).toBe(Outcome.UNKNOWN);
  expect(await ask(new Uint8Array([255, 255]))).toBe(Outcome.UNAVAILABLE);
  expect(await ask(toBinary(OAuthCallbackSchema, create(OAuthCallbackSchema, { ...callback, version: 2 })))).toBe(
    Outcome.UNAVAILABLE,
  );
  expect(await ask(encodeOAuthCallback(callback), oauthSubject("another"))).toBe(Outcome.UNAVAILABLE);
  expect(await ask(encodeOAuthCallback({ ...callback, channelType: "a.b" }))).toBe(Outcome.UNAVAILABLE);
  expect(await ask(encodeOAuthCallback({ ...callback, channelType: "another" }), oauthSubject("another"))).toBe(
    Outcome.NOT_OFFERED,
  );
  expect(logged).toContain('"outcome":"unknown"');
  for (const secret of [callback.state, callback.code, "app-secret"]) expect(logged).not.toContain(secret);
});

it("G11: answers to an inbox and nowhere else, whatever the asker wants", async () => {
  const heard: string[] = [];
  const subscription = nats.subscribe("mio.>", { callback: (_, { subject }) => void heard.push(subject) });
  nats.publish(oauthSubject(channelType), encodeOAuthCallback(callback), { reply: "mio.ingress.local.0" });
  // Answered without a look at the database, and so before the one below.
  nats.publish(oauthSubject(channelType), new Uint8Array([255]), { reply: "mio.ingress.local.0" });
  nats.publish(oauthSubject(channelType), encodeOAuthCallback(callback));
  expect(await ask(encodeOAuthCallback(callback))).toBe(Outcome.UNKNOWN);
  await nats.flush();
  expect(new Set(heard)).toEqual(new Set([oauthSubject(channelType)]));
  subscription.unsubscribe();
});

it("tells what is too much at once to come again, and goes on", async () => {
  const outcomes = await Promise.all(Array.from({ length: 200 }, () => ask(encodeOAuthCallback(callback))));
  expect(new Set(outcomes)).toEqual(new Set([Outcome.UNKNOWN, Outcome.UNAVAILABLE]));
  expect(outcomes.filter((outcome) => outcome === Outcome.UNKNOWN).length).toBeGreaterThanOrEqual(32);
  expect(await ask(encodeOAuthCallback(callback))).toBe(Outcome.UNKNOWN);
});

it("says that it cannot when the database fails, and goes on", async () => {
  await context.db.query("alter table installs rename to installs_away");
  expect(await ask(encodeOAuthCallback(callback))).toBe(Outcome.UNAVAILABLE);
  await context.db.query("alter table installs_away rename to installs");
  expect(await ask(encodeOAuthCallback(callback))).toBe(Outcome.UNKNOWN);
});

it("answers what is in hand when it stops, and hears nothing after", async () => {
  const asked = Array.from({ length: 20 }, () => ask(encodeOAuthCallback(callback)));
  await nats.flush();
  context.stop();
  await running;
  expect(new Set(await Promise.all(asked))).toEqual(new Set([Outcome.UNKNOWN]));
  await expect(ask(encodeOAuthCallback(callback))).rejects.toMatchObject({ code: ErrorCode.NoResponders });
});
