// Senders as processes: started, killed, paused and resumed by their pid.
import { join } from "node:path";
import { type Child, startChildProcess } from "../core/child-process.ts";
import type { DoorOptions } from "../sample-channel/outbound.ts";
import { patientEnv, type Stage } from "./stage.ts";

interface ChildOptions {
  door?: DoorOptions;
  /** Of the form of MIO_CHECKPOINT. */
  checkpoint?: string;
  /** With leases and deadlines that a busy machine does not miss. */
  patient?: boolean;
}

export function startChild(stage: Stage, options: ChildOptions = {}): Child {
  return startChildProcess(join(import.meta.dirname, "child.ts"), {
    url: stage.server.url,
    dsn: stage.dsn,
    checkpoint: options.checkpoint,
    variables: {
      MIO_TEST_DOOR: JSON.stringify(options.door ?? {}),
      MIO_TEST_ENV: JSON.stringify(options.patient ? patientEnv : {}),
    },
  });
}
