// The Worker with the tests' own channel instead of the platforms', and two things that only a test may ask of an uplink.

import type { DurableObjectState } from "@cloudflare/workers-types";
import type { Env } from "@mio/edge/worker/bindings.ts";
import { workerFetch } from "@mio/edge/worker/host.ts";
import { UplinkObject as ShippedUplinkObject } from "@mio/edge/worker/uplink-object.ts";
import { sampleInbound } from "../sample-channel/inbound.ts";
import { limitsVariable, partsOf } from "./uplink-parts.ts";

export { DirectoryObject } from "@mio/edge/worker/directory-object.ts";

type TestEnv = Env & { [limitsVariable]?: string };

export class UplinkObject extends ShippedUplinkObject {
  constructor(context: DurableObjectState, env: TestEnv) {
    super(context, env, partsOf(env[limitsVariable]));
  }

  /** From now on every write to the spool fails. */
  async breakStorage(): Promise<void> {
    this.ctx.storage.sql.exec("alter table spool rename to spool_broken");
  }

  async mendStorage(): Promise<void> {
    this.ctx.storage.sql.exec("alter table spool_broken rename to spool");
  }
}

let app: ReturnType<typeof workerFetch> | undefined;

export default {
  async fetch(request: Request, env: TestEnv): Promise<Response> {
    const [, root, name, what] = new URL(request.url).pathname.split("/");
    if (root !== "_uplink" || name === undefined) {
      app ??= workerFetch([sampleInbound], partsOf(env[limitsVariable]).limits);
      return app(request, env);
    }
    const uplink: unknown = env.UPLINK.getByName(decodeURIComponent(name));
    const testing = uplink as Pick<UplinkObject, "breakStorage" | "mendStorage">;
    await (what === "break" ? testing.breakStorage() : testing.mendStorage());
    return new Response("done\n");
  },
};
