// A platform as the kit simulates it: its rules, and what it does with the kit in its hands: its API. Everything else is the kit's.
import type { SimulatorHost } from "../contract/simulator.ts";
import type { ApiCalls } from "./api-call.ts";
import type { Consents } from "./consent.ts";
import type { Deliveries } from "./deliveries.ts";
import type { People } from "./people.ts";
import type { PlatformRules } from "./platform-rules.ts";
import type { App } from "./state/state.ts";
import type { World } from "./state/world.ts";

/** What a platform stands on while it serves its API. */
export interface SimulatorKit {
  host: SimulatorHost;
  world: World;
  people: People;
  calls: ApiCalls;
  deliveries: Deliveries;
  consents: Consents;
}

export interface SimulatedPlatform extends PlatformRules {
  /** After an app was installed or its URL changed. Failing must not throw. */
  installed?(app: App, kit: SimulatorKit): Promise<void>;
  /** Control calls that only this platform has; undefined when the request is none of them. */
  control?(request: Request, kit: SimulatorKit): Promise<Response | undefined>;
  /** The platform's own endpoints. */
  api(request: Request, kit: SimulatorKit): Promise<Response>;
}
