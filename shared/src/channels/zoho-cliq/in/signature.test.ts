// Beyond the vectors, which the conformance suite runs for every door.
import { describe, expect, it } from "vitest";
import type { WebhookRequest } from "../../contract.ts";
import vectors from "../fixtures/signature-vectors.json" with { type: "json" };
import { verifySignature } from "./signature.ts";

const nowMs = 1_700_000_000_000;

function request(headers: readonly (readonly [string, string])[], body: string): WebhookRequest {
  const joined = new Headers();
  for (const [name, value] of headers) joined.append(name, value);
  return {
    method: "POST",
    url: "https://edge.example/webhooks/zoho-cliq",
    headers: joined,
    body: new TextEncoder().encode(body),
  };
}

const pairs = (headers: string[][]) => headers.map(([name = "", value = ""]) => [name, value] as const);
const vector = (id: string) => vectors.find((each) => each.id === id) ?? expect.fail(`no vector ${id}`);

describe("secrets", () => {
  const good = vector("cliq-relay-hex");
  const goodRequest = request(pairs(good.headers), good.body);

  it("G11: refuses without secrets, with an empty secret, and with another channel's scheme", async () => {
    expect(await verifySignature(goodRequest, [], nowMs)).toEqual({ kind: "refused", reason: "no_secret" });
    const unfit = ["cliq-relay-hmac-sha256", "cliq-shared-secret", "cliq-rsa-sha256"].map((scheme) => ({ scheme, value: "" }));
    expect((await verifySignature(goodRequest, unfit, nowMs)).kind).toBe("refused");
    for (const scheme of ["slack-v0", "constructor", "__proto__", ""]) {
      expect((await verifySignature(goodRequest, [{ scheme, value: good.secret }], nowMs)).kind).toBe("refused");
    }
  });

  it("G11: refuses a body signed by another scheme of the same account", async () => {
    const secrets = [{ scheme: "cliq-relay-hmac-sha256-timestamped", value: good.secret }];
    expect((await verifySignature(goodRequest, secrets, nowMs)).kind).toBe("refused");
    const timestamped = vector("cliq-relay-ts");
    const plain = [{ scheme: "cliq-relay-hmac-sha256", value: timestamped.secret }];
    expect((await verifySignature(request(pairs(timestamped.headers), timestamped.body), plain, nowMs)).kind).toBe("refused");
  });

  it("G11: refuses an odd stored RSA key instead of throwing, and takes one wrapped as PEM", async () => {
    const rsa = vector("cliq-rsa-valid");
    const native = request(pairs(rsa.headers), rsa.body);
    for (const value of ["not base64!", "AAAA", "MIIB"])
      expect((await verifySignature(native, [{ scheme: rsa.scheme, value }], nowMs)).kind).toBe("refused");
    const pem = `-----BEGIN PUBLIC KEY-----\n${rsa.secret.replaceAll(/(.{64})/g, "$1\n")}\n-----END PUBLIC KEY-----\n`;
    expect(await verifySignature(native, [{ scheme: rsa.scheme, value: pem }], nowMs)).toEqual({ kind: "verified" });
  });
});

describe("replay window of the timestamped relay", () => {
  const { scheme, secret, headers, body } = vector("cliq-relay-ts");
  const secrets = [{ scheme, value: secret }];

  it("passes 300 s either way and no second more", async () => {
    for (const [offset, kind] of [
      [300, "verified"],
      [-300, "verified"],
      [301, "refused"],
      [-301, "refused"],
    ] as const) {
      expect((await verifySignature(request(pairs(headers), body), secrets, nowMs + offset * 1000)).kind).toBe(kind);
    }
  });

  it("refuses a timestamp that is missing, odd or doubled", async () => {
    const signature = pairs(headers).filter(([name]) => name === "X-Webhook-Signature");
    for (const timestamp of [undefined, "", "abc", "1700000000.0", " 1.7e9", "-1700000000", "1700000000, 1700000000"]) {
      const given = timestamp === undefined ? signature : [...signature, ["X-Webhook-Timestamp", timestamp] as const];
      expect((await verifySignature(request(given, body), secrets, nowMs)).kind).toBe("refused");
    }
  });
});

it("G11: refuses the shared secret sent twice, also when the secret holds a comma", async () => {
  const secrets = [{ scheme: "cliq-shared-secret", value: "a, b" }];
  const header = "x-cliq-webhook-secret";
  expect((await verifySignature(request([[header, "a, b"]], "{}"), secrets, nowMs)).kind).toBe("verified");
  expect(
    (
      await verifySignature(
        request(
          [
            [header, "a, b"],
            [header, "a, b"],
          ],
          "{}",
        ),
        secrets,
        nowMs,
      )
    ).kind,
  ).toBe("refused");
});
