// One call of a method of the simulated Web API by an app whose token was right, and what the method says to it.
import type { SimulatorKit } from "../../simulator/platform.ts";
import type { App } from "../../simulator/state/state.ts";
import type { Arguments } from "./arguments.ts";

export interface Call {
  kit: SimulatorKit;
  app: App;
  args: Arguments;
}

/** What a method answers beside `ok: true`, or why it refuses. */
export type Result = { kind: "ok"; body: Record<string, unknown> } | { kind: "refused"; error: string };
