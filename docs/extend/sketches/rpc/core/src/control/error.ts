// How an operation's refusal reaches a program: one table from our codes to Connect's, and nothing of what we did not say ourselves.
import type { AdminError } from "../../../../../../../core/src/control/admin-error.ts";

/** Those of connectrpc.com/docs/protocol#error-codes that we use. */
export type ConnectCode =
  | "invalid_argument"
  | "not_found"
  | "already_exists"
  | "permission_denied"
  | "unauthenticated"
  | "unavailable"
  | "internal";

export const connectCodes = {
  invalid: "invalid_argument",
  not_found: "not_found",
  exists: "already_exists",
} as const satisfies Record<AdminError["code"], ConnectCode>;
