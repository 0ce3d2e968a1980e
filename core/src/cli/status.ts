// `mio status`: the backlog and the alarms of a running core, as it reports them itself.
import { Command } from "commander";
import * as v from "valibot";
import { ConnectionError, coreUrl, messageOf } from "./connection.ts";
import { print } from "./output.ts";

/** Only reads. */
export function statusCommand(): Command {
  return new Command("status")
    .description("Shows what runs and where messages wait.")
    .action(async (_options: unknown, command: Command) => {
      const url = new URL("/status", await coreUrl(command));
      const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) }).catch((error: unknown) => {
        throw new ConnectionError(
          `cannot reach core at ${url.host}: ${messageOf(error)}; is it running, and is MIO_CORE_URL right?`,
        );
      });
      const status = v.parse(v.record(v.string(), v.unknown()), await answer.json());
      const rows = Object.entries(status).map(([section, value]) => [
        section,
        typeof value === "string" ? value : JSON.stringify(value),
      ]);
      print(command, status, { columns: ["section", "state"], rows });
    });
}
