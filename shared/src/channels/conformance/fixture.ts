// A webhook as a platform sent it, and what the channel's door must make of it: a file each in `<channel>/fixtures`, read here and nowhere
// else. Suites, the fuzzer and the edge's own tests see the same ones.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import * as v from "valibot";
import { type AccountId, isUuid, type TenantId } from "../../ids.ts";
import type { VerificationSecret } from "../contract/account.ts";
import type { WebhookRequest } from "../contract/inbound.ts";

const text = v.string();
const tenantId = v.custom<TenantId>((value) => typeof value === "string" && isUuid(value));
const accountId = v.custom<AccountId>((value) => typeof value === "string" && isUuid(value));

const answer = v.strictObject({ status: v.number(), headers: v.record(text, text), body: text });

const normalised = v.variant("kind", [
  v.strictObject({
    kind: v.literal("messages"),
    /** Messages as protobuf's JSON, by the names of the fields in proto. */
    events: v.array(v.strictObject({ eventDay: text, message: v.record(text, v.unknown()) })),
  }),
  v.strictObject({ kind: v.literal("ignored"), reason: text }),
  v.strictObject({ kind: v.literal("malformed"), reason: text }),
]);

const fixtureSchema = v.strictObject({
  /** For people, in the name of its test. */
  about: text,
  /** Where a vector was published; left out: made here. */
  source: v.optional(text),
  /** The fixture, by name, whose message has the same ids: a twin, a repeat, or another story told with them. */
  sameIdsAs: v.optional(text),
  request: v.strictObject({
    method: v.optional(text, "POST"),
    /** In full, for platforms that sign it. */
    url: v.optional(text, "https://gateway.example/webhooks"),
    /** A name may come twice. */
    headers: v.array(v.tuple([text, text])),
    /** The text to the byte; or JSON, sent without a space; or bytes that are no text. */
    body: v.union([text, v.strictObject({ json: v.unknown() }), v.strictObject({ base64: text })]),
  }),
  /** What the signature is judged by, and when: for fixtures that say whether it is `verified`. */
  proof: v.optional(v.strictObject({ scheme: text, secret: text, nowSeconds: v.optional(v.number(), 0) })),
  /** Whose webhook it is: for fixtures that say how it is `normalised`. */
  account: v.optional(v.strictObject({ tenantId, accountId, externalId: text, settings: v.record(text, text) })),
  /** What the door says, under the names by which it is asked. */
  expected: v.strictObject({
    verified: v.optional(v.boolean()),
    /** Null: it claims none. */
    workspace: v.optional(v.nullable(text)),
    /** Left out: it is none. */
    unsignedHandshake: v.optional(answer),
    signedHandshake: v.optional(answer),
    normalised: v.optional(normalised),
  }),
});

type Read = v.InferOutput<typeof fixtureSchema>;
type NormalisedAs = v.InferOutput<typeof normalised>;

export interface Fixture extends Omit<Read, "request"> {
  /** Of its file. */
  name: string;
  contentType: string;
  request: WebhookRequest & { headers: Headers };
}

/** Says whether its signature is good. */
export interface ProofFixture extends Fixture {
  verified: boolean;
  secret: VerificationSecret;
  nowMs: number;
}

/** Says what becomes of it once it is verified. */
export interface WebhookFixture extends Fixture {
  account: NonNullable<Read["account"]> & { channelType: string };
  normalised: NormalisedAs;
}

const channels = new URL("../", import.meta.url);

/** All fixtures of a channel, by the names of their files. Throws for one that is of another form, or that says nothing. */
export function fixturesOf(channelType: string): Fixture[] {
  const folder = new URL(`${channelType.replaceAll("_", "-")}/fixtures/`, channels);
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".json"));
  return files.sort().map((file) => fixtureOf(file, JSON.parse(readFileSync(new URL(file, folder), "utf8"))));
}

/** Those that say whether a signature is good. */
export function proofFixturesOf(channelType: string): ProofFixture[] {
  return fixturesOf(channelType).flatMap((fixture) => {
    const { proof, expected } = fixture;
    if (!proof || expected.verified === undefined) return [];
    const secret = { scheme: proof.scheme, value: proof.secret };
    return [{ ...fixture, verified: expected.verified, secret, nowMs: proof.nowSeconds * 1_000 }];
  });
}

/** Those that say what becomes of a webhook. */
export function webhookFixturesOf(channelType: string): WebhookFixture[] {
  return fixturesOf(channelType).flatMap((fixture) => {
    const { account, expected } = fixture;
    if (!account || !expected.normalised) return [];
    return [{ ...fixture, account: { ...account, channelType }, normalised: expected.normalised }];
  });
}

function fixtureOf(file: string, json: unknown): Fixture {
  const parsed = v.safeParse(fixtureSchema, json);
  if (!parsed.success) throw new Error(`fixture ${file}: ${v.summarize(parsed.issues)}`);
  const { request, ...rest } = parsed.output;
  const { proof, account, expected } = rest;
  if ((proof === undefined) !== (expected.verified === undefined))
    throw new Error(`fixture ${file}: "proof" and "expected.verified" come together`);
  if ((account === undefined) !== (expected.normalised === undefined))
    throw new Error(`fixture ${file}: "account" and "expected.normalised" come together`);
  if (!proof && !account) throw new Error(`fixture ${file}: it has neither "proof" nor "account", so it proves nothing`);
  const headers = new Headers();
  for (const [name, value] of request.headers) headers.append(name, value);
  return {
    ...rest,
    name: file.slice(0, -".json".length),
    contentType: headers.get("content-type") ?? "",
    request: { method: request.method, url: request.url, headers, body: bytesOf(request.body) },
  };
}

function bytesOf(body: Read["request"]["body"]): Uint8Array<ArrayBuffer> {
  if (typeof body === "string") return new TextEncoder().encode(body);
  return "base64" in body
    ? Uint8Array.from(Buffer.from(body.base64, "base64"))
    : new TextEncoder().encode(JSON.stringify(body.json));
}
