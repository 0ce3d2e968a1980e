// Requests that once did harm, or would in a careless edge: each a file, sent on every run of the tests.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { type HostileCase, hostileCaseSchema } from "./hostile-case.ts";

const folder = join(import.meta.dirname, "corpus");

/** By the name of the file. A file may hold several cases. */
export const corpus: readonly (readonly [string, HostileCase])[] = readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .flatMap((name) => {
    const cases = v.parse(v.array(hostileCaseSchema), JSON.parse(readFileSync(join(folder, name), "utf8")));
    return cases.map((each, index) => [`${name.replace(".json", "")} ${index}: ${each.about ?? each.target}`, each] as const);
  });
