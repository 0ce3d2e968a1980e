// The audit's head, where the database's owner cannot reach it: in the log and the status of whoever runs this. Against it a tail that was cut
// off shows.
import type { ServiceContext } from "../../service.ts";
import { auditHead } from "./audit.ts";

const lookEveryMs = 10_000;

/** Resolves when the context's signal is aborted. */
export async function watchAuditHead({ db, clock, log, signal, status }: ServiceContext): Promise<void> {
  let head = "none yet";
  status("audit", () => ({ head }));
  while (!signal.aborted) {
    try {
      const { sequence, hash } = await auditHead(db);
      const next = `${sequence}:${hash}`;
      if (next !== head) log.info({ head: next }, "audit head");
      head = next;
    } catch (error) {
      log.warn({ err: error }, "the audit's head could not be read");
    }
    await clock.sleep(lookEveryMs, signal).catch(() => {});
  }
}
