import { readdirSync, readFileSync } from "node:fs";
import * as v from "valibot";
import type { AccountId, TenantId } from "../../ids.ts";
import { describeInboundDoor } from "../conformance/conformance.ts";
import { telegramInbound } from "./inbound.ts";

const folder = new URL("fixtures/", import.meta.url);
const vectorsFile = "signature-vectors.json";
const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, folder), "utf8"));

const vectorSchema = v.object({
  id: v.string(),
  scheme: v.string(),
  secret: v.string(),
  method: v.string(),
  headers: v.array(v.array(v.string())),
  body: v.string(),
  valid: v.boolean(),
});
const fixtureSchema = v.object({ update: v.unknown(), expected: v.object({ kind: v.string() }) });
const understood = readdirSync(folder)
  .filter((name) => name !== vectorsFile)
  .map((name) => v.parse(fixtureSchema, read(name)))
  .filter(({ expected }) => expected.kind === "messages");

describeInboundDoor({
  door: telegramInbound,
  account: {
    tenantId: "00000000-0000-4000-8000-000000000001" as TenantId,
    accountId: "00000000-0000-4000-8000-000000000002" as AccountId,
    channelType: "telegram",
    externalId: "999",
    settings: { bot_id: "999" },
  },
  samples: understood.map(({ update }) => ({
    method: "POST",
    url: "https://gateway.example/webhooks/telegram/x",
    headers: new Headers({ "Content-Type": "application/json" }),
    body: new TextEncoder().encode(JSON.stringify(update)),
  })),
  contentTypes: ["application/json"],
  vectors: v.parse(v.array(vectorSchema), read(vectorsFile)),
});
