// The shipped Worker, with the uplink of a variant.
import type { DurableObjectState } from "@cloudflare/workers-types";
import { inboundDoors } from "@mio/shared/channels/inbound.ts";
import type { Env } from "../../edge/src/worker/env.ts";
import { workerFetch } from "../../edge/src/worker/host.ts";
import { UplinkObject as ShippedUplinkObject } from "../../edge/src/worker/uplink-object.ts";
import { partsOf } from "./variants.ts";

export { DirectoryObject } from "../../edge/src/worker/directory-object.ts";

export class UplinkObject extends ShippedUplinkObject {
  constructor(context: DurableObjectState, env: Env & { BENCH_VARIANT: string }) {
    super(context, env, partsOf(env.BENCH_VARIANT));
  }
}

// The platform looks for a default export.
export default { fetch: workerFetch(inboundDoors) };
