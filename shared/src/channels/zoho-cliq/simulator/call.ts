// What each of Cliq's simulated endpoints is given.
import type { SimulatorKit } from "../../simulator/platform.ts";
import type { App } from "../../simulator/state/state.ts";

/** One call by one app. Path parameters are decoded once. */
export interface CliqCall {
  app: App;
  kit: SimulatorKit;
  parameters: readonly string[];
  query: URLSearchParams;
  body: string;
}
