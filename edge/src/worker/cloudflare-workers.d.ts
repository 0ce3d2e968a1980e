// The one module of the Workers runtime that we import, without the package's global types: those would replace the Web platform's own.
declare module "cloudflare:workers" {
  import type { DurableObjectState, Rpc } from "@cloudflare/workers-types";
  export abstract class DurableObject<Env> {
    [Rpc.__DURABLE_OBJECT_BRAND]: never;
    protected ctx: DurableObjectState;
    protected env: Env;
    constructor(context: DurableObjectState, env: Env);
    alarm?(): Promise<void>;
  }

  /** Of the present request: it may go on for 30 s after its answer. */
  export function waitUntil(work: Promise<unknown>): void;
}
