// Zoho Cliq as an attacker meets it: an account for each of its four schemes.
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";
import type { Forger } from "../conformance/forger.ts";
import { forgedAccount, hmacSha256, isFresh } from "../conformance/forging.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const rsaPublic = rsa.publicKey.export({ type: "spki", format: "der" }).toString("base64");
const rsaPrivate = rsa.privateKey.export({ type: "pkcs8", format: "der" }).toString("base64");

const relay = "x-webhook-signature";
const relayTime = "x-webhook-timestamp";
const shared = "x-cliq-webhook-secret";
const native = "x-cliq-signature";

export const zohoCliqForger: Forger = {
  channelType: "zoho_cliq",
  paths: ["/webhooks/zoho-cliq", "/cliq", "/webhooks/cliq"],
  accounts: [
    forgedAccount("zoho_cliq", "999999999", "cliq-relay-hmac-sha256", "hostile-cliq-secret-1"),
    forgedAccount("zoho_cliq", "888888888", "cliq-relay-hmac-sha256-timestamped", "hostile-cliq-secret-2"),
    forgedAccount("zoho_cliq", "777777777", "cliq-shared-secret", "hostile-cliq-secret-3"),
    { ...forgedAccount("zoho_cliq", "666666666", "cliq-rsa-sha256", rsaPublic), privateKey: rsaPrivate },
  ],
  ours: { conversationExternalId: "CT_1_9", messageExternalId: "1777804687057%20137" },
  proofHeaders: [relay, relayTime, shared, native],
  signed: ({ scheme, secret, privateKey = "" }, body, atSeconds) => {
    switch (scheme) {
      case "cliq-relay-hmac-sha256":
        return [[relay, `sha256=${hmacSha256(secret, body).toString("hex")}`]];
      case "cliq-relay-hmac-sha256-timestamped":
        return [
          [relayTime, String(atSeconds)],
          [relay, `sha256=${hmacSha256(secret, `${atSeconds}.`, body).toString("base64")}`],
        ];
      case "cliq-shared-secret":
        return [[shared, secret]];
      default: {
        const key = createPrivateKey({ key: Buffer.from(privateKey, "base64"), type: "pkcs8", format: "der" });
        return [[native, sign("sha256", body, key).toString("base64")]];
      }
    }
  },
  proves: ({ scheme, secret }, headers, body, nowMs) => {
    const given = (headers.get(relay) ?? "").replace(/^sha256=/, "");
    const fits = (digest: Buffer) => given === digest.toString("hex") || given === digest.toString("base64");
    switch (scheme) {
      case "cliq-relay-hmac-sha256":
        return fits(hmacSha256(secret, body));
      case "cliq-relay-hmac-sha256-timestamped": {
        const seconds = headers.get(relayTime) ?? undefined;
        return isFresh(seconds, nowMs) && fits(hmacSha256(secret, `${seconds}.`, body));
      }
      case "cliq-shared-secret":
        return headers.get(shared) === secret;
      default: {
        const key = createPublicKey({ key: Buffer.from(secret, "base64"), type: "spki", format: "der" });
        const signature = headers.get(native) ?? "";
        // Node reads base64 up to what is none, and would so take a header that was sent twice.
        return /^[A-Za-z0-9+/]+=*$/.test(signature) && verify("sha256", body, key, Buffer.from(signature, "base64"));
      }
    }
  },
};
