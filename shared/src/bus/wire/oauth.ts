// How edge and core speak about a person who comes back from a platform's consent page: one request, one answer, no stream. Whoever has the
// edge's password can send such requests, and so can the whole internet through the edge: what protects an install is its secret `state`.
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type OAuthAnswer,
  OAuthAnswerSchema,
  type OAuthCallback,
  OAuthCallbackSchema,
} from "@mio/proto/gen/mio/edge/v1/edge_pb.ts";
import { decodeVersioned, edgeVersion, type Unreadable } from "./ingress-group.ts";

/** A `state` as we make it: 32 bytes by chance as base64url. Anything else was never ours. */
export const statePattern = /^[A-Za-z0-9_-]{43}$/;

/** Sets our version. */
export function encodeOAuthCallback(callback: MessageInitShape<typeof OAuthCallbackSchema>): Uint8Array<ArrayBuffer> {
  return toBinary(OAuthCallbackSchema, create(OAuthCallbackSchema, { ...callback, version: edgeVersion }));
}

/** Sets our version. */
export function encodeOAuthAnswer(answer: MessageInitShape<typeof OAuthAnswerSchema>): Uint8Array<ArrayBuffer> {
  return toBinary(OAuthAnswerSchema, create(OAuthAnswerSchema, { ...answer, version: edgeVersion }));
}

/** Never throws. */
export function decodeOAuthCallback(bytes: Uint8Array): { kind: "decoded"; value: OAuthCallback } | Unreadable {
  return decodeVersioned(OAuthCallbackSchema, bytes);
}

/** Never throws. */
export function decodeOAuthAnswer(bytes: Uint8Array): { kind: "decoded"; value: OAuthAnswer } | Unreadable {
  return decodeVersioned(OAuthAnswerSchema, bytes);
}
