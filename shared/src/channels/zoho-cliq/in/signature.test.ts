// Beyond the vectors, which the conformance suite runs for every door.
import { describe, expect, it } from "vitest";
import { proofFixturesOf } from "../../conformance/fixture.ts";
import type { WebhookRequest } from "../../contract/inbound.ts";
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

const proofs = proofFixturesOf("zoho_cliq");
const proof = (name: string) => proofs.find((each) => each.name === `signatures/${name}`) ?? expect.fail(`no fixture ${name}`);

describe("secrets", () => {
  const { request: goodRequest, secret: good } = proof("cliq-relay-hex");

  it("G11: refuses without secrets, with an empty secret, and with another channel's scheme", async () => {
    expect(await verifySignature(goodRequest, [], nowMs)).toEqual({ kind: "refused", reason: "no_secret" });
    const unfit = ["cliq-relay-hmac-sha256", "cliq-shared-secret", "cliq-rsa-sha256"].map((scheme) => ({ scheme, value: "" }));
    expect((await verifySignature(goodRequest, unfit, nowMs)).kind).toBe("refused");
    for (const scheme of ["slack-v0", "constructor", "__proto__", ""]) {
      expect((await verifySignature(goodRequest, [{ scheme, value: good.value }], nowMs)).kind).toBe("refused");
    }
  });

  it("G11: refuses a body signed by another scheme of the same account", async () => {
    const secrets = [{ scheme: "cliq-relay-hmac-sha256-timestamped", value: good.value }];
    expect((await verifySignature(goodRequest, secrets, nowMs)).kind).toBe("refused");
    const timestamped = proof("cliq-relay-ts");
    const plain = [{ ...timestamped.secret, scheme: "cliq-relay-hmac-sha256" }];
    expect((await verifySignature(timestamped.request, plain, nowMs)).kind).toBe("refused");
  });

  it("G11: refuses an odd stored RSA key instead of throwing, and takes one wrapped as PEM", async () => {
    const { request: native, secret: rsa } = proof("cliq-rsa-valid");
    for (const value of ["not base64!", "AAAA", "MIIB"])
      expect((await verifySignature(native, [{ scheme: rsa.scheme, value }], nowMs)).kind).toBe("refused");
    const pem = `-----BEGIN PUBLIC KEY-----\n${rsa.value.replaceAll(/(.{64})/g, "$1\n")}\n-----END PUBLIC KEY-----\n`;
    expect(await verifySignature(native, [{ scheme: rsa.scheme, value: pem }], nowMs)).toEqual({ kind: "verified" });
  });
});

describe("replay window of the timestamped relay", () => {
  const { request: genuine, secret } = proof("cliq-relay-ts");
  const secrets = [secret];

  it("passes 300 s either way and no second more", async () => {
    for (const [offset, kind] of [
      [300, "verified"],
      [-300, "verified"],
      [301, "refused"],
      [-301, "refused"],
    ] as const) {
      expect((await verifySignature(genuine, secrets, nowMs + offset * 1000)).kind).toBe(kind);
    }
  });

  it("refuses a timestamp that is missing, odd or doubled", async () => {
    const signature = [["x-webhook-signature", genuine.headers.get("x-webhook-signature") ?? ""]] as const;
    for (const timestamp of [undefined, "", "abc", "1700000000.0", " 1.7e9", "-1700000000", "1700000000, 1700000000"]) {
      const given = timestamp === undefined ? signature : [...signature, ["X-Webhook-Timestamp", timestamp] as const];
      const changed = { ...request(given, ""), body: genuine.body };
      expect((await verifySignature(changed, secrets, nowMs)).kind).toBe("refused");
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
