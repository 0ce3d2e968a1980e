// Runs the chosen services side by side and stops them together: one that cannot go on ends all, and the cluster starts the process anew.
import type { Logger } from "pino";
import type { Service, ServiceContext } from "./service.ts";

/** How long services may finish what is in hand after a stop; below Kubernetes' default grace of 30 s. */
const stopGraceMs = 20_000;

/**
 * Resolves with the exit code once every service has ended: 0 after a stop, 1 when one failed or did not end in time.
 * `stop` is aborted by the caller on SIGTERM; the same signal ends the others when one service fails.
 */
export async function supervise(
  services: readonly Service[],
  contextOf: (service: Service) => ServiceContext,
  stop: AbortController,
  log: Logger,
): Promise<number> {
  let failed = false;
  const running = services.map(async (service) => {
    try {
      await service.run(contextOf(service));
      if (!stop.signal.aborted) throw new Error(`service ${service.name} ended without being asked to`);
    } catch (error) {
      if (stop.signal.aborted && error === stop.signal.reason) return;
      failed = true;
      log.error({ service: service.name, err: error }, "service failed");
      stop.abort(new Error(`stopped because ${service.name} failed`));
    }
  });
  const all = Promise.all(running).then(() => "ended" as const);
  await Promise.race([all, new Promise((resolve) => stop.signal.addEventListener("abort", resolve, { once: true }))]);
  const grace = new Promise<"late">((resolve) => setTimeout(resolve, stopGraceMs, "late").unref());
  if ((await Promise.race([all, grace])) === "late") {
    log.error({ stop_grace_ms: stopGraceMs }, "services did not end in time; what they held is given to others");
    return 1;
  }
  return failed ? 1 : 0;
}
