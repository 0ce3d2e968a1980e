// What was verified but has no account, or was not understood: kept as it came, for a person to look at. Never a secret or a signature.
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { QuarantineEntrySchema } from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { quarantineSubject } from "@mio/shared/bus/names/subjects.ts";
import { encodeIngressEvent, verifiedByChannel } from "@mio/shared/bus/wire/ingress-group.ts";
import type { InboundAccount } from "@mio/shared/channels/contract/account.ts";
import type { InboundDoor, WebhookRequest } from "@mio/shared/channels/contract/inbound.ts";
import { redactBody } from "@mio/shared/channels/kit/redact-body.ts";
import { uuidV5 } from "@mio/shared/ids.ts";
import { bytesToHex } from "@noble/hashes/utils.js";
import type { OwnedSecret } from "./recipient.ts";

export interface Quarantined {
  request: WebhookRequest;
  door: Pick<InboundDoor, "channel" | "secretBodyFields" | "verify">;
  account: InboundAccount | undefined;
  workspace: string;
  /** Without an account: the secrets that verified it together. One that verifies it alone shows who could have sent it. */
  verifiers: readonly OwnedSecret[];
  /** A fixed word, or the door's short sentence without anybody's text. */
  reason: string;
  receivedAtMs: number;
  region: string;
  traceparent: string;
}

/** Headers that help to read the body; all others may be secrets or signatures. */
const headersKept = ["content-type", "content-encoding", "user-agent"];
const reasonLengthMax = 200;
/** Namespace of entries without an account; a constant of this project, never to change. */
const nobody = "6d696f00-0000-5000-8000-000000000001";

/** An entry as an ingress event. Its id is computed, so that a platform's repeat of the same request is the same entry. */
export async function quarantineEvent(quarantined: Quarantined): Promise<{ id: string; bytes: Uint8Array<ArrayBuffer> }> {
  const { request, door, account, receivedAtMs } = quarantined;
  const channelType = door.channel.slug;
  const path = pathOf(request.url);
  const digest = bytesToHex(new Uint8Array(await crypto.subtle.digest("SHA-256", request.body)));
  const verifiedBy = account ? "" : await verifierOf(quarantined);
  // Without an account the verifier is a part of it, or somebody else's copy of a request could stand in the place of the true one.
  const name = `quarantine:${channelType}:${request.method}:${path}:${digest}${account ? "" : `:${verifiedBy}`}`;
  const id = uuidV5(account?.accountId ?? nobody, name);
  const scopes = { tenantId: account?.tenantId ?? "", accountId: account?.accountId ?? "", channelType };
  const receivedAt = timestampFromMs(receivedAtMs);
  const entry = create(QuarantineEntrySchema, {
    version: 1,
    id,
    ...scopes,
    reason: quarantined.reason.slice(0, reasonLengthMax),
    method: request.method,
    path,
    headers: Object.fromEntries(
      headersKept.flatMap((name) => (request.headers.has(name) ? [[name, request.headers.get(name) ?? ""]] : [])),
    ),
    body: redactBody(request.body, door.secretBodyFields ?? []),
    receivedAt,
    region: quarantined.region,
    workspaceExternalId: quarantined.workspace,
    verifiedBy,
  });
  const bytes = encodeIngressEvent({
    subject: quarantineSubject(channelType, id),
    ...scopes,
    traceparent: quarantined.traceparent,
    receivedAt,
    body: { case: "quarantine", value: entry },
  });
  return { id, bytes };
}

/** Who could have sent it: the owner of the first secret that fits. Empty when none does any more, and then nobody may place it. */
async function verifierOf({ door, request, verifiers, receivedAtMs }: Quarantined): Promise<string> {
  for (const { owner, ...secret } of verifiers) {
    const verified = await door.verify(request, [secret], receivedAtMs).catch(() => undefined);
    if (verified?.kind === "verified") return owner === "" ? verifiedByChannel : owner;
  }
  return "";
}

function pathOf(url: string): string {
  return new URL(url).pathname;
}
