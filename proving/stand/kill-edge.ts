// Kills the edge with -9, whichever host it runs on.
import type { NodePart } from "@mio/local/servers/node-part.ts";

/** workerd itself first, where there is one; the program around it then has nobody to stop in peace. Resolves when all of it is gone. */
export async function killEdge(edge: NodePart): Promise<void> {
  const workerd = edge.ready().workerd_pid;
  if (typeof workerd === "number") process.kill(workerd, "SIGKILL");
  await edge.kill();
}
