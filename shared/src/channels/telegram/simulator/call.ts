// One call of a method of the simulated Bot API, by a bot whose token was right.
import type { SimulatorKit } from "../../simulator/platform.ts";
import type { App } from "../../simulator/state/state.ts";
import type { Arguments } from "./arguments.ts";

export interface MethodCall {
  kit: SimulatorKit;
  app: App;
  args: Arguments;
}
