import { readFileSync } from "node:fs";
import * as v from "valibot";
import type { AccountId, TenantId } from "../../ids.ts";
import { describeInboundDoor } from "../conformance/conformance.ts";
import { testInbound } from "./inbound.ts";

const vectorSchema = v.object({
  id: v.string(),
  scheme: v.string(),
  secret: v.string(),
  method: v.string(),
  headers: v.array(v.tuple([v.string(), v.string()])),
  body: v.string(),
  valid: v.boolean(),
  now: v.number(),
});
const vectors = v.parse(
  v.array(vectorSchema),
  JSON.parse(readFileSync(new URL("fixtures/signature-vectors.json", import.meta.url), "utf8")),
);

const hello = { conversation: "general", id: "m1", user: "ann", text: "hello", at_ms: 1_700_000_000_000, kind: "message" };
const file = { url: "http://platform/file?message=m2", name: "a.txt", mime: "text/plain", bytes: 3 };
const webhooks = [
  [hello],
  [
    { ...hello, id: "m2", thread: "m1", reply_to: "m1", file },
    { ...hello, conversation: "ops", id: "m3" },
  ],
  [{ ...hello, kind: "edit", text: "hello!", at_ms: 1_700_000_001_000, version: 1 }],
  [{ ...hello, kind: "delete", at_ms: 1_700_000_002_000 }],
];

describeInboundDoor({
  door: testInbound,
  account: {
    tenantId: "00000000-0000-4000-8000-000000000001" as TenantId,
    accountId: "00000000-0000-4000-8000-000000000002" as AccountId,
    channelType: "test",
    externalId: "W1",
    settings: { bot_id: "W1" },
  },
  samples: webhooks.map((events) => ({
    method: "POST",
    url: "https://gateway.example/webhooks/test",
    headers: new Headers({ "Content-Type": "application/json" }),
    body: new TextEncoder().encode(JSON.stringify({ workspace: "W1", events })),
  })),
  contentTypes: ["application/json"],
  // The published vectors are of the generic scheme, which differs in the header's name only.
  vectors: vectors.map((vector) => ({
    ...vector,
    headers: vector.headers.map(([name, value]) => [name === "X-Signature" ? "X-Test-Signature" : name, value]),
  })),
});
