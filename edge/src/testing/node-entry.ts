// The Node host's program with the tests' own channel instead of the platforms'.
import { runEdge } from "../node/program.ts";
import { sampleDoor } from "./door.ts";

await runEdge([sampleDoor], process.argv.slice(2));
