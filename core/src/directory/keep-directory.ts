// Publishes the directory for as long as the process lives: at once, on each notification, and in intervals. A pass that fails is tried again soon.
import { setTimeout as delay } from "node:timers/promises";
import { sealerOf } from "@mio/shared/bus/wire/sealed-value.ts";
import { Gauge } from "prom-client";
import { directoryNotification } from "../accounts/change.ts";
import type { SecretRing } from "../accounts/sealing.ts";
import { busOf } from "../bus/connect.ts";
import { listen } from "../db/listen.ts";
import type { ServiceContext } from "../service.ts";
import { publishDirectory } from "./directory-loop.ts";
import type { RefusedAccount } from "./refused-secrets.ts";

const failedIntervalMs = 1_000;

/** Resolves when the context's signal is aborted. */
export async function keepDirectory(context: ServiceContext, ring: SecretRing): Promise<void> {
  const sealer = sealerOf(context.config.directoryKeys, context.random);
  const state = {
    sealed_with: sealer.sealsWith,
    routes: 0,
    open_failures: 0,
    refused_accounts: [] as readonly string[],
    last_pass_at: "never",
    last_error: undefined as string | undefined,
  };
  context.status("directory", () => state);
  context.readiness(() => (state.last_pass_at === "never" ? "the directory has not been published yet" : undefined));
  const routes = new Gauge({
    name: "mio_directory_routes",
    help: "Routes that the edge was given.",
    registers: [context.metrics],
  });

  const bus = busOf(context);
  const wake = { next: new AbortController() };
  const listening = listen(context, [directoryNotification], () => wake.next.abort(), context.signal);
  while (!context.signal.aborted) {
    wake.next = new AbortController();
    try {
      const { streamReplicas } = context.config;
      const pass = await publishDirectory(bus, { db: context.db, ring }, sealer, context.clock.nowMs(), streamReplicas);
      state.routes = pass.routes;
      state.open_failures += pass.openFailures;
      reportRefused(context, state.refused_accounts, pass.refused);
      state.refused_accounts = pass.refused.map(({ accountId }) => accountId);
      state.last_pass_at = new Date(context.clock.nowMs()).toISOString();
      state.last_error = undefined;
      routes.set(pass.routes);
      if (pass.written > 0) context.log.info({ routes: pass.routes, written: pass.written }, "directory published");
      if (pass.openFailures > 0)
        context.log.warn(
          { open_failures: pass.openFailures },
          "the directory held values that our keys do not open: somebody wrote to it",
        );
    } catch (error) {
      // The next pass tries again, soon, for a move may wait for it; the edge goes on with what it knows.
      state.last_error = error instanceof Error ? error.message : String(error);
      context.log.warn({ err: error }, "directory pass failed");
    }
    const { directoryIntervalMs } = context.config;
    const pauseMs = state.last_error === undefined ? directoryIntervalMs : Math.min(failedIntervalMs, directoryIntervalMs);
    await pause(pauseMs, AbortSignal.any([context.signal, wake.next.signal]));
  }
  await listening;
}

/** Each once, when it begins. */
function reportRefused({ log }: ServiceContext, before: readonly string[], refused: readonly RefusedAccount[]): void {
  for (const { accountId, reason } of refused)
    if (!before.includes(accountId))
      log.error({ account_id: accountId }, `an account's secret does not open, the edge goes on with what it knows: ${reason}`);
}

/** Resolves after `ms` or when the signal is aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
