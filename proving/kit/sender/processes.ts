// Senders as processes: started, killed, paused and resumed by their pid.
import { join } from "node:path";
import { type Child, startChildProcess } from "../core/child-process.ts";
import type { DoorOptions } from "../sample-channel/outbound.ts";
import type { Stage } from "./stage.ts";

/** `checkpoint` is of the form of MIO_CHECKPOINT. */
export function startChild(stage: Stage, options: { door?: DoorOptions; checkpoint?: string } = {}): Child {
  return startChildProcess(join(import.meta.dirname, "child.ts"), {
    url: stage.server.url,
    dsn: stage.dsn,
    checkpoint: options.checkpoint,
    variables: { MIO_TEST_DOOR: JSON.stringify(options.door ?? {}) },
  });
}
