// The platforms that local play and the tests can run on this machine.
import type { SimulatorKind } from "../contract/simulator.ts";
import { slackSimulator } from "../slack/simulator/simulator.ts";
import { telegramSimulator } from "../telegram/simulator/simulator.ts";
import { testSimulator } from "../test/simulator/simulator.ts";
import { zohoCliqSimulator } from "../zoho-cliq/simulator/simulator.ts";

export const simulatorKinds: readonly SimulatorKind[] = [zohoCliqSimulator, slackSimulator, telegramSimulator, testSimulator];
