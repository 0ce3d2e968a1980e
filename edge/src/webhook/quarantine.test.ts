// What an entry holds, and above all what it does not: each channel's own signed fixtures are sent through it, headers and all.
import { decodeIngressEvent } from "@mio/shared/bus/wire/ingress-group.ts";
import { proofFixturesOf } from "@mio/shared/channels/conformance/fixture.ts";
import type { WebhookRequest } from "@mio/shared/channels/contract/inbound.ts";
import { inboundDoors } from "@mio/shared/channels/doors/inbound.ts";
import { accountIdOf, tenantIdOf } from "@mio/shared/ids.ts";
import { describe, expect, it } from "vitest";
import { type Quarantined, quarantineEvent } from "./quarantine.ts";

const tenantId = tenantIdOf("acme");

async function entryOf(request: WebhookRequest, rest: Partial<Quarantined> & Pick<Quarantined, "door">) {
  const quarantined = { request, account: undefined, workspace: "", verifiers: [], reason: "why", receivedAtMs: 1, region: "eu" };
  const { bytes } = await quarantineEvent({ ...quarantined, traceparent: "", ...rest });
  const decoded = decodeIngressEvent(bytes);
  if (decoded.kind !== "event" || decoded.event.body.case !== "quarantine") throw new Error(`an entry, not ${decoded.kind}`);
  return { entry: decoded.event.body.value, bytes: Buffer.from(bytes) };
}

describe("a quarantine entry", () => {
  it("G11: holds no secret, no signature and no header that is not needed, for each signed fixture of each channel", async () => {
    const tested = new Set<string>();
    for (const door of inboundDoors) {
      const account = {
        tenantId,
        accountId: accountIdOf(tenantId, door.channel.slug, "W1"),
        channelType: door.channel.slug,
        externalId: "W1",
        settings: {},
      };
      for (const { name, request: original, secret, nowMs } of proofFixturesOf(door.channel.slug)) {
        const headers = new Headers(original.headers);
        for (const header of ["authorization", "cookie", "x-forwarded-for", "cf-connecting-ip"])
          headers.set(header, `${header}-value`);
        const request = { ...original, headers, url: "https://gateway.example/webhooks/x?secret=in-the-query" };
        const verifiers = [{ ...secret, owner: "owner" }];
        for (const whose of [{ account }, { verifiers }]) {
          const { entry, bytes } = await entryOf(request, { door, receivedAtMs: nowMs, ...whose });
          expect(Object.keys(entry.headers).filter((header) => !["content-type", "user-agent"].includes(header))).toEqual([]);
          for (const [header, value] of headers)
            if (header !== "content-type" && value !== "") expect(bytes.includes(value), `${name}: ${header}`).toBe(false);
          expect(bytes.includes("in-the-query")).toBe(false);
          expect(bytes.includes(secret.value), name).toBe(false);
          for (const field of ["token", "secret"])
            expect(Buffer.from(entry.body).toString()).not.toMatch(new RegExp(`(?:"${field}":"|\\b${field}=)(?!redacted)`));
        }
        tested.add(door.channel.slug);
      }
    }
    expect(tested.size).toBe(inboundDoors.length);
  });

  it("G11: says whose secret verified what has no account, and keeps two senders' copies of one request apart", async () => {
    const [door] = inboundDoors;
    const genuine = door && proofFixturesOf(door.channel.slug).find(({ verified }) => verified);
    if (!genuine) throw new Error("no door has a genuine request");
    const { request, secret, nowMs: receivedAtMs } = genuine;
    const verifiers = [
      { ...secret, value: "another", owner: "a" },
      { ...secret, owner: "b" },
      { ...secret, owner: "c" },
    ];
    const of = (owned: typeof verifiers) => entryOf(request, { door, receivedAtMs, verifiers: owned });
    expect((await of(verifiers)).entry.verifiedBy).toBe("b");
    expect((await of(verifiers.slice(2))).entry.verifiedBy).toBe("c");
    expect((await of(verifiers.slice(2).map((each) => ({ ...each, owner: "" })))).entry.verifiedBy).toBe("channel");
    expect((await of([])).entry.verifiedBy).toBe("");
    expect((await of(verifiers)).entry.id).toBe((await of(verifiers.slice(1))).entry.id);
    expect((await of(verifiers)).entry.id).not.toBe((await of(verifiers.slice(2))).entry.id);
  });
});
