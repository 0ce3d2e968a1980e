// What an entry holds, and above all what it does not: each channel's own signature vectors are sent through it, headers and all.
import { readdirSync, readFileSync } from "node:fs";
import { decodeIngressEvent } from "@mio/shared/bus/wire/ingress-group.ts";
import { requestOfVector } from "@mio/shared/channels/conformance/conformance.ts";
import type { WebhookRequest } from "@mio/shared/channels/contract.ts";
import { inboundDoors } from "@mio/shared/channels/inbound.ts";
import { accountIdOf, tenantIdOf } from "@mio/shared/ids.ts";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { type Quarantined, quarantineEvent } from "./quarantine.ts";

const vectorSchema = v.object({
  id: v.string(),
  scheme: v.string(),
  secret: v.string(),
  method: v.string(),
  url: v.optional(v.string(), "https://gateway.example/webhooks"),
  headers: v.array(v.array(v.string())),
  body: v.string(),
  valid: v.boolean(),
  now: v.optional(v.number(), 0),
});

const channelsFolder = new URL("../../../shared/src/channels/", import.meta.url);
const tenantId = tenantIdOf("acme");

function vectorsOf(channelType: string) {
  const file = new URL(`${channelType.replaceAll("_", "-")}/fixtures/signature-vectors.json`, channelsFolder);
  return v.parse(v.array(vectorSchema), JSON.parse(readFileSync(file, "utf8")));
}

async function entryOf(request: WebhookRequest, rest: Partial<Quarantined> & Pick<Quarantined, "door">) {
  const quarantined = { request, account: undefined, workspace: "", verifiers: [], reason: "why", receivedAtMs: 1, region: "eu" };
  const { bytes } = await quarantineEvent({ ...quarantined, traceparent: "", ...rest });
  const decoded = decodeIngressEvent(bytes);
  if (decoded.kind !== "event" || decoded.event.body.case !== "quarantine") throw new Error(`an entry, not ${decoded.kind}`);
  return { entry: decoded.event.body.value, bytes: Buffer.from(bytes) };
}

describe("a quarantine entry", () => {
  it("G11: holds no secret, no signature and no header that is not needed, for each vector of each channel", async () => {
    const tested = new Set<string>();
    for (const door of inboundDoors) {
      const account = {
        tenantId,
        accountId: accountIdOf(tenantId, door.channelType, "W1"),
        channelType: door.channelType,
        externalId: "W1",
        settings: {},
      };
      for (const vector of vectorsOf(door.channelType)) {
        const original = requestOfVector(vector);
        const headers = new Headers(original.headers);
        for (const name of ["authorization", "cookie", "x-forwarded-for", "cf-connecting-ip"]) headers.set(name, `${name}-value`);
        const request = { ...original, headers, url: "https://gateway.example/webhooks/x?secret=in-the-query" };
        const verifiers = [{ scheme: vector.scheme, value: vector.secret, owner: "owner" }];
        for (const whose of [{ account }, { verifiers }]) {
          const { entry, bytes } = await entryOf(request, { door, receivedAtMs: vector.now * 1_000, ...whose });
          expect(Object.keys(entry.headers).filter((name) => !["content-type", "user-agent"].includes(name))).toEqual([]);
          for (const [name = "", value = ""] of headers)
            if (name !== "content-type" && value !== "") expect(bytes.includes(value), `${vector.id}: ${name}`).toBe(false);
          expect(bytes.includes("in-the-query")).toBe(false);
          expect(bytes.includes(vector.secret), vector.id).toBe(false);
          for (const field of ["token", "secret"])
            expect(Buffer.from(entry.body).toString()).not.toMatch(new RegExp(`(?:"${field}":"|\\b${field}=)(?!redacted)`));
        }
        tested.add(door.channelType);
      }
    }
    expect(tested.size).toBe(inboundDoors.length);
    const folders = readdirSync(channelsFolder, { recursive: true, encoding: "utf8" });
    expect(folders.filter((file) => file.endsWith("/fixtures/signature-vectors.json")).length).toBe(tested.size);
  });

  it("G11: says whose secret verified what has no account, and keeps two senders' copies of one request apart", async () => {
    const [door] = inboundDoors.filter(({ channelType }) => channelType === "slack");
    const vector = vectorsOf("slack").find(({ valid }) => valid);
    if (!door || !vector) throw new Error("no vector");
    const verifiers = [
      { scheme: vector.scheme, value: "another", owner: "a" },
      { scheme: vector.scheme, value: vector.secret, owner: "b" },
      { scheme: vector.scheme, value: vector.secret, owner: "c" },
    ];
    const receivedAtMs = vector.now * 1_000;
    const of = (owned: typeof verifiers) => entryOf(requestOfVector(vector), { door, receivedAtMs, verifiers: owned });
    expect((await of(verifiers)).entry.verifiedBy).toBe("b");
    expect((await of(verifiers.slice(2))).entry.verifiedBy).toBe("c");
    expect((await of(verifiers.slice(2).map((each) => ({ ...each, owner: "" })))).entry.verifiedBy).toBe("channel");
    expect((await of([])).entry.verifiedBy).toBe("");
    expect((await of(verifiers)).entry.id).toBe((await of(verifiers.slice(1))).entry.id);
    expect((await of(verifiers)).entry.id).not.toBe((await of(verifiers.slice(2))).entry.id);
  });
});
