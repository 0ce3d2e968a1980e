// The command line of the load kit.

import type { EdgeHost } from "@mio/local/system/system-options.ts";
import { wholeNumber } from "@mio/local/whole-number.ts";
import { Command, InvalidArgumentError } from "commander";
import type { ChosenFault, Fault } from "../faults/fault.ts";
import { retryWaitMsMax } from "./platform.ts";

export interface LoadOptions {
  channel: string;
  host: EdgeHost;
  rate: number;
  seconds: number;
  conversations: number;
  faults: ChosenFault[];
  seed: number;
  agent?: boolean;
  json?: boolean;
}

/** Throws commander's own errors; `--help` is one of them. */
export function loadCommand(channels: readonly string[], faults: readonly Fault[]): Command {
  const width = Math.max(...faults.map(({ name }) => name.length));
  const list = faults.map(({ name, help, count }) => `  ${name.padEnd(width)}  ${help}${count ? ` (${count.usual})` : ""}`);
  return new Command("load")
    .description(
      "Starts a whole local system of its own, plays a platform at a steady rate, breaks things meanwhile, and checks at the consumers' side that every message is there once and in order.",
    )
    .option("--channel <type>", `platform to play: ${channels.join(", ")}`, (text) => channelOf(text, channels), channels[0])
    .option("--rate <number>", "messages a second", wholeNumber(1, 5_000), 200)
    .option("--seconds <number>", "how long", wholeNumber(1, 3_600), 30)
    .option("--conversations <number>", "over how many conversations", wholeNumber(1, 10_000), 200)
    .option("--host <host>", "the edge's host: worker (workerd) or node", hostOf, "worker")
    .option("--faults <names>", "what breaks, such as bus-restart:3,core-stopped", (text) => faultsOf(text, faults), [])
    .option("--seed <number>", "draws who writes when and what strikes when", wholeNumber(0, 2 ** 32 - 1), Date.now() % 100_000)
    .option("--agent", "with the example agent, which answers every message")
    .option("--json", "print one JSON object on standard output; progress goes to standard error as always")
    .addHelpText(
      "after",
      `
Faults:
${list.join("\n")}

The platform signs and retries as the real one does, but waits at most ${retryWaitMsMax / 1000} s between two attempts.
Exit code 0: nothing lost, doubled, out of order or unknown, every webhook answered within 3 s, and the rate was reached.`,
    )
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "load: ")) });
}

/** `bus-restart:3,core-stopped`; throws one line for what is not known, or twice. */
export function faultsOf(text: string, faults: readonly Fault[]): ChosenFault[] {
  const chosen = text.split(",").map((word) => {
    const [, name = "", given] = /^\s*([a-z0-9-]+)(?::(\d+))?\s*$/.exec(word) ?? [];
    const fault = faults.find((each) => each.name === name);
    if (!fault) throw new InvalidArgumentError(`there is no fault ${JSON.stringify(word.trim())}; see --help.`);
    if (given !== undefined && !fault.count) throw new InvalidArgumentError(`${name} takes no count.`);
    const count = given === undefined ? (fault.count?.usual ?? 1) : Number(given);
    if (count < 1 || count > (fault.count?.max ?? 1))
      throw new InvalidArgumentError(`${name} takes a count from 1 to ${fault.count?.max}.`);
    return { fault, count };
  });
  const twice = chosen.find(({ fault }, index) => chosen.findIndex((each) => each.fault === fault) !== index);
  if (twice) throw new InvalidArgumentError(`${twice.fault.name} stands there twice; give it a count.`);
  return chosen;
}

/** What cannot be run together; undefined when all can. */
export function contradictionIn({ faults, seconds, rate, host, channel }: LoadOptions): string | undefined {
  const short = faults.find(({ fault }) => seconds < (fault.secondsMin ?? 0));
  if (short) return `${short.fault.name} needs --seconds ${short.fault.secondsMin} or more`;
  const fast = faults.find(({ fault }) => rate > (fault.rateMax ?? Number.POSITIVE_INFINITY));
  if (fast) return `${fast.fault.name} needs --rate ${fast.fault.rateMax} or less`;
  const elsewhere = faults.find(({ fault }) => fault.onlyOn !== undefined && fault.onlyOn !== host);
  if (elsewhere) return `${elsewhere.fault.name} is only there with --host ${elsewhere.fault.onlyOn}`;
  const strange = faults.find(({ fault }) => fault.onlyFor?.includes(channel) === false);
  if (strange) return `${strange.fault.name} is only there with --channel ${strange.fault.onlyFor?.join(" or ")}`;
  return undefined;
}

function channelOf(text: string, channels: readonly string[]): string {
  const slug = text.replaceAll("-", "_");
  if (!channels.includes(slug)) throw new InvalidArgumentError(`there are ${channels.join(", ")}.`);
  return slug;
}

function hostOf(text: string): EdgeHost {
  if (text !== "worker" && text !== "node") throw new InvalidArgumentError("there are worker and node.");
  return text;
}
