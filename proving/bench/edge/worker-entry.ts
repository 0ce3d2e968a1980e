// The shipped Worker, with the uplink of a variant.
import type { DurableObjectState } from "@cloudflare/workers-types";
import type { Env } from "@mio/edge/worker/bindings.ts";
import { workerFetch } from "@mio/edge/worker/host.ts";
import { UplinkObject as ShippedUplinkObject } from "@mio/edge/worker/uplink-object.ts";
import { inboundDoors } from "@mio/shared/channels/doors/inbound.ts";
import { partsOf } from "./variants.ts";

export { DirectoryObject } from "@mio/edge/worker/directory-object.ts";

export class UplinkObject extends ShippedUplinkObject {
  constructor(context: DurableObjectState, env: Env & { BENCH_VARIANT: string }) {
    super(context, env, partsOf(env.BENCH_VARIANT));
  }
}

// The platform looks for a default export.
export default { fetch: workerFetch(inboundDoors) };
