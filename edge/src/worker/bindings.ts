// What wrangler.toml binds to the Worker: its variables, and the objects that it calls by name.
import type { DurableObjectNamespace } from "@cloudflare/workers-types";
import type { DirectoryObject, DirectoryObjectEnv } from "./directory-object.ts";

export interface Env extends DirectoryObjectEnv {
  DIRECTORY: DurableObjectNamespace<DirectoryObject>;
}
