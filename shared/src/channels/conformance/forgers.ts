// The forger of every channel, in the order of the other lists: what the fuzzer plays.
import { slackForger } from "../slack/forger.ts";
import { telegramForger } from "../telegram/forger.ts";
import { testForger } from "../test/forger.ts";
import { zohoCliqForger } from "../zoho-cliq/forger.ts";
import type { Forger } from "./forger.ts";

export const forgers: readonly Forger[] = [slackForger, telegramForger, zohoCliqForger, testForger];
