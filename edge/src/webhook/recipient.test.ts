// Whose webhook it is, for any claim that a request makes and any directory that core may have written.
import { create } from "@bufbuild/protobuf";
import { DirectoryValueSchema } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { type DirectoryInit, directoryOf, testSealer } from "@mio/proving/kit/edge/bus.ts";
import { sampleChannel } from "@mio/proving/kit/sample-channel/inbound.ts";
import { manualClock } from "@mio/proving/kit/time/manual-clock.ts";
import { accountRoute, directoryKeyOf, sealDirectoryValue, workspaceRoute } from "@mio/shared/bus/wire/directory.ts";
import { accountIdOf, tenantIdOf } from "@mio/shared/ids.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Directory } from "../directory/directory.ts";
import { recipientOf } from "./recipient.ts";

const accountOf = (tenant: string, externalId: string) => {
  const tenantId = tenantIdOf(tenant);
  const accountId = accountIdOf(tenantId, sampleChannel, externalId);
  return { tenantId, accountId, externalId, secret: `secret of ${externalId}` };
};
const alice = accountOf("acme", "W1");
const bob = accountOf("rival", "W2");
const odd = accountOf("acme", "Å b/c");
const accounts = [alice, bob, odd];

async function directoryWith(values: readonly DirectoryInit[]): Promise<Directory> {
  const sealed = new Map<string, Uint8Array>();
  for (const init of values) {
    const value = create(DirectoryValueSchema, { version: 1, ...init });
    sealed.set(directoryKeyOf(value.route), await sealDirectoryValue(testSealer, value));
  }
  const lookup = async (keys: string[]) => ({ values: keys.map((key) => sealed.get(key)), whole: true });
  return new Directory({ lookup }, testSealer, manualClock(), "local");
}

const claiming = (claim: string | undefined) => ({ workspace: () => claim });
const find = (directory: Directory, claim: string | undefined, accountId?: string) =>
  recipientOf(directory, sampleChannel, claiming(claim), accountId, 0);

describe("recipient", () => {
  it("G11: on a shared URL is the account of exactly the claimed workspace, with its own secrets alone; else nobody", async () => {
    const directory = await directoryWith(directoryOf(accounts));
    const known = fc.constantFrom(...accounts.map(({ externalId }) => externalId));
    const near = known.chain((id) =>
      fc.constantFrom(id.toLowerCase(), id.normalize("NFD"), ` ${id}`, `${id}\0`, `${id}/`, `../${id}`, `${sampleChannel}/${id}`),
    );
    const claim = fc.oneof(known, near, fc.string(), fc.option(fc.string({ unit: "binary" }), { nil: undefined }));
    const property = fc.asyncProperty(claim, async (claimed) => {
      const owner = accounts.find(({ externalId }) => externalId === claimed);
      const found = await find(directory, claimed);
      if (owner === undefined) expect(found).toMatchObject({ kind: "nobody", workspace: claimed ?? "" });
      else {
        expect(found).toMatchObject({ kind: "account", account: { accountId: owner.accountId, tenantId: owner.tenantId } });
        expect("secrets" in found && found.secrets.map(({ value }) => value)).toEqual([owner.secret]);
      }
    });
    await fc.assert(property, { numRuns: 200 });
  });

  it("G11: on an account's own URL is that account, whatever the body claims", async () => {
    const directory = await directoryWith(directoryOf(accounts));
    for (const claim of [undefined, "W1", "W2", "nobody's"]) {
      const found = await find(directory, claim, alice.accountId);
      expect(found).toMatchObject({
        kind: "account",
        account: { accountId: alice.accountId },
        secrets: [{ value: alice.secret }],
      });
    }
    for (const id of [accountOf("acme", "nobody").accountId, alice.accountId.toUpperCase(), "", "W1"])
      expect((await find(directory, "W1", id)).kind).toBe("unknown_url");
  });

  it("G11: never verifies with a secret of another account, even where the directory holds it under this one's route", async () => {
    const secrets = accounts.map(({ secret, accountId }) => ({ scheme: "sample", value: secret, accountId }));
    const directory = await directoryWith(directoryOf(accounts).map((value) => ({ ...value, secrets })));
    for (const { externalId, accountId, secret } of accounts)
      for (const found of [await find(directory, externalId), await find(directory, undefined, accountId)])
        expect("secrets" in found && found.secrets.map(({ value }) => value)).toEqual([secret]);
  });

  it("G11: takes a route whose account is another channel's, incomplete or missing for not loaded", async () => {
    const [own] = directoryOf([alice]);
    if (own?.account === undefined) throw new Error("the account's route comes first");
    const { account: _, ...without } = own;
    const broken: DirectoryInit[] = [
      { ...own, account: { ...own.account, channelType: "other_chat" } },
      { ...own, account: { ...own.account, tenantId: "acme" } },
      { ...own, account: { ...own.account, homeRegion: "" } },
      { ...own, account: { ...own.account, shardCount: 0 } },
      without,
    ];
    const routes = [accountRoute(sampleChannel, alice.accountId), workspaceRoute(sampleChannel, "W1")];
    for (const value of broken) {
      const directory = await directoryWith(routes.map((route) => ({ ...value, route })));
      expect((await find(directory, "W1")).kind).toBe("not_loaded");
      expect((await find(directory, undefined, alice.accountId)).kind).toBe("not_loaded");
    }
  });
});
