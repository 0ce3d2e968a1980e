// What makes a forger a fit opponent: it agrees with the fixtures, and the door takes from it what is genuine and no more.
import { describe, expect, it } from "vitest";
import type { InboundDoor } from "../contract/inbound.ts";
import type { Fixtures } from "./fixture-claims.ts";
import type { Forger } from "./forger.ts";

const forgedAtSeconds = 1_700_000_000;

export function describeForger(door: InboundDoor, forger: Forger, { all: fixtures, proofs, webhooks }: Fixtures): void {
  describe(`${door.channel.slug}: its forger`, () => {
    it("judges every signature as its fixture says, and knows the unsigned handshakes", () => {
      for (const { name, request, secret, nowMs, verified } of proofs) {
        const whose = { scheme: secret.scheme, secret: secret.value };
        expect(forger.proves(whose, request.headers, request.body, nowMs), name).toBe(verified);
      }
      for (const { name, request, expected } of fixtures) {
        const unsigned = forger.unsignedHandshake?.(request.headers, request.body) ?? false;
        expect(unsigned, name).toBe(expected.unsignedHandshake !== undefined);
      }
    });

    it("G11: signs for each account what its own secret verifies, and no other", async () => {
      for (const { request } of webhooks) {
        for (const signer of forger.accounts) {
          const headers = new Headers(request.headers);
          for (const [name, value] of forger.signed(signer, request.body, forgedAtSeconds)) headers.append(name, value);
          const proven = [...headers.keys()].filter((name) => !request.headers.has(name));
          expect(forger.proofHeaders).toEqual(expect.arrayContaining(proven));
          for (const { scheme, secret } of forger.accounts) {
            const theirs = scheme === signer.scheme && secret === signer.secret;
            const verified = await door.verify({ ...request, headers }, [{ scheme, value: secret }], forgedAtSeconds * 1_000);
            expect(verified.kind).toBe(theirs ? "verified" : "refused");
          }
        }
      }
    });

    it("knows every path that leads to the channel, the present one first", () => {
      const { slug, legacyPaths } = door.channel;
      const own = `/webhooks/${slug.replaceAll("_", "-")}`;
      expect(forger.paths[0]).toBe(own);
      expect([...forger.paths].sort()).toEqual([own, ...legacyPaths.flatMap((path) => [`/${path}`, `/webhooks/${path}`])].sort());
    });

    it("has the workspace of the fixtures as its first account", () => {
      for (const { account: whose } of webhooks) expect(whose.externalId).toBe(forger.accounts[0]?.externalId);
    });
  });
}
