// The `mio` command: what an operator can do, for a terminal. `--json` prints one JSON value on standard output.
import { CommanderError } from "commander";
import { AdminError } from "../admin/admin-error.ts";
import { ConnectionError } from "./connection.ts";
import { mioProgram } from "./program.ts";

try {
  await mioProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has said what is wrong; a bare `mio` has printed its help.
    process.exitCode = error.exitCode;
  } else {
    const known = error instanceof AdminError || error instanceof ConnectionError;
    console.error(`mio: ${error instanceof Error ? error.message : String(error)}`);
    if (!known && process.env.MIO_DEBUG !== undefined) console.error(error);
    process.exitCode = 1;
  }
}
