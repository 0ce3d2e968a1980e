// What it takes to serve the RPCs of proto/mio/admin/v1: one function a method, typed by the generated service. Connect's router, which speaks
// gRPC, gRPC-web and JSON, takes them as they are; no method knows of HTTP.
import type { DescMethod, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { GenService } from "@bufbuild/protobuf/codegenv2";
import type { AdminService } from "@mio/proto/gen/mio/admin/v1/admin_pb.ts";
import type { Control } from "../../../../../../../core/src/control/control.ts";
import type { Caller } from "./auth.ts";

type MethodsOf<Service> = Service extends GenService<infer Methods> ? Methods : never;

/** What a method is given beside its request. `control` carries the caller as the actor of every audit row. */
export interface Call {
  control: Control;
  caller: Caller;
  signal: AbortSignal;
}

/** One method. What it throws is turned into a Connect error in one place, error.ts. */
export type Method<M extends Pick<DescMethod, "methodKind" | "input" | "output">> = M["methodKind"] extends "unary"
  ? (request: MessageShape<M["input"]>, call: Call) => Promise<MessageInitShape<M["output"]>>
  : (request: MessageShape<M["input"]>, call: Call) => AsyncIterable<MessageInitShape<M["output"]>>;

/** The methods of one noun; all nouns together are the whole service, or the server does not compile. */
export type Methods<Names extends keyof MethodsOf<typeof AdminService>> = {
  [Name in Names]: Method<MethodsOf<typeof AdminService>[Name]>;
};
