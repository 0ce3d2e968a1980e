// `npm run fuzz`: the hostile requests of the tests for as long as one likes, against the app alone or a whole host. Code 1 when anything
// was wrong; each fault is printed shrunk, ready for a file of the corpus.

import { wordsOf } from "@mio/local/words.ts";
import { forgers } from "@mio/shared/channels/conformance/forgers.ts";
import fc from "fast-check";
import { nodeHost } from "../kit/edge/node-host.ts";
import { worker } from "../kit/edge/worker.ts";
import { appTarget } from "./app-target.ts";
import { hostileCases } from "./draw/cases.ts";
import { hostTarget } from "./host-target.ts";
import type { HostileCase } from "./hostile-case.ts";
import { judged } from "./target.ts";

const usage = `Usage: npm run fuzz -- [--seconds 60] [--seed S] [--host app|node|worker]

Sends hostile requests to every inbound route: mutated, forged, replayed, absurd. Nothing may be answered 5xx, no forgery be accepted,
nothing genuine be refused, nothing be told in the log. "app" (the default) is the app in this process; the hosts are real ones with a
real bus. Faults are printed with their seed and their smallest case; put that case into proving/fuzz/corpus.`;

/** Faults of one sort are one fault; beyond so many sorts nobody reads. */
const faultsMax = 10;
const runsAtOnce = 500;

const { values } = wordsOf("fuzz", usage, {
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    host: { type: "string", default: "app" },
  },
});
const targets = { app: appTarget, node: () => hostTarget(nodeHost), worker: () => hostTarget(worker) };
const open = Object.entries(targets).find(([name]) => name === values.host)?.[1];
const seconds = Number(values.seconds);
const seed = Number(values.seed);
if (!open || !(seconds > 0) || !Number.isSafeInteger(seed)) {
  console.error("fuzz: --host is app, node or worker, --seconds a number over 0, --seed a whole number; see --help");
  process.exit(1);
}

const faults = new Map<string, { seed: number; hostile: HostileCase | undefined }>();
const routes = new Map<string, Map<string, number>>();
const unhandled: unknown[] = [];
process.on("unhandledRejection", (reason) => unhandled.push(reason));
let requests = 0;
let slowestMs = 0;

{
  await using target = await open();
  const property = fc.asyncProperty(hostileCases(), async (hostile) => {
    const startedMs = performance.now();
    const { seen, complaint } = await judged(target, hostile);
    slowestMs = Math.max(slowestMs, performance.now() - startedMs);
    requests += 1;
    if (seen) count(hostile, `${seen.status} ${outcomeIn(seen.lines)}`.trimEnd());
    if (complaint !== undefined && !faults.has(complaint)) throw new Error(complaint);
  });
  const untilMs = performance.now() + seconds * 1_000;
  for (let each = seed; performance.now() < untilMs && faults.size < faultsMax; each++) {
    const details = await fc.check(property, { seed: each, numRuns: runsAtOnce });
    if (!details.failed) continue;
    const said = details.errorInstance instanceof Error ? details.errorInstance.message : String(details.errorInstance);
    faults.set(said, { seed: each, hostile: details.counterexample?.[0] });
    console.error(`\nfault: ${said}\n  seed ${each}\n  ${JSON.stringify(details.counterexample?.[0])}`);
  }
}

for (const [route, outcomes] of [...routes].sort(([a], [b]) => a.localeCompare(b))) {
  const counts = [...outcomes].sort(([, a], [, b]) => b - a).map(([outcome, times]) => `${times} ${outcome}`);
  console.log(`${route.padEnd(34)} ${counts.join(", ")}`);
}
for (const reason of unhandled) console.error("unhandled rejection:", reason);
console.log(
  `${requests} requests to ${values.host} from seed ${seed}, the slowest ${slowestMs.toFixed(0)} ms: ` +
    `${faults.size} faults, ${unhandled.length} unhandled rejections`,
);
process.exit(faults.size + unhandled.length > 0 ? 1 : 0);

function count({ method, target, channel }: HostileCase, outcome: string): void {
  const path = target.split("?")[0] ?? "";
  const webhooks = forgers.flatMap(({ paths: [own = "", ...legacy] }) => [own, `${own}/{account}`, ...legacy]);
  const known = webhooks.includes(path) || /^\/(health(\/live|\/ready)?|oauth\/[a-z-]+\/callback)$/.test(path);
  const usual = ["GET", "POST"].includes(method) ? method : "other";
  const route = known ? `${usual} ${path}` : `an odd path (${channel})`;
  const outcomes = routes.get(route) ?? new Map<string, number>();
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  routes.set(route, outcomes);
}

function outcomeIn(lines: readonly string[]): string {
  return /"outcome":"([a-z_]+)"/.exec(lines.at(-1) ?? "")?.[1] ?? "";
}
