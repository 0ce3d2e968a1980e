// One command from its words to its exit code. What people or programs asked wrongly is one line, never a stack.
import { CommanderError } from "commander";
import { AdminError } from "../control/admin-error.ts";
import { ConnectionError } from "./connection.ts";
import { mioProgram } from "./program.ts";

/** Runs the words of this process; resolves with the exit code. */
export async function runMio(): Promise<number> {
  try {
    await mioProgram().parseAsync();
    return Number(process.exitCode ?? 0);
  } catch (error) {
    // Commander has said what is wrong; a bare `mio` has printed its help.
    if (error instanceof CommanderError) return error.exitCode;
    const known = error instanceof AdminError || error instanceof ConnectionError;
    console.error(`mio: ${error instanceof Error ? error.message : String(error)}`);
    if (!known && process.env.MIO_DEBUG !== undefined) console.error(error);
    return 1;
  }
}
