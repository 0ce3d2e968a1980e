// The load generator's process, told by its parent what to do: alone on its own event loop, so that it delays nobody and nobody delays it.
import type { Load } from "./run.ts";
import { runLoad } from "./run.ts";
import { webhookRing } from "./webhooks.ts";

process.on("message", (load: Load) => {
  runLoad(load, webhookRing(load.port, load.path), () => process.send?.({ kind: "measuring" })).then(
    (figures) => process.send?.({ kind: "figures", figures }),
    (error: unknown) => process.send?.({ kind: "failed", reason: error instanceof Error ? error.message : String(error) }),
  );
});
process.once("disconnect", () => process.exit(0));
