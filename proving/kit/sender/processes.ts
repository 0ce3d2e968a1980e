// Senders as processes: started, killed, paused and resumed by their pid.
import { join } from "node:path";
import { type Child, startChildProcess } from "../core/child-process.ts";
import type { DoorOptions } from "./door.ts";
import type { Stage } from "./stage.ts";

/** `checkpoint` is of the form of MIO_CHECKPOINT. */
export function startChild(stage: Stage, options: { door?: DoorOptions; checkpoint?: string } = {}): Child {
  return startChildProcess(join(import.meta.dirname, "child.ts"), {
    MIO_TEST_NATS: stage.server.url,
    MIO_TEST_DSN: stage.dsn,
    MIO_TEST_DOOR: JSON.stringify(options.door ?? {}),
    ...(options.checkpoint === undefined ? {} : { MIO_TEST_CHECKPOINT: options.checkpoint }),
  });
}
