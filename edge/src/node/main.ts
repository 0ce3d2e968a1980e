// The Node host's program, with the platforms' doors: `node edge/src/node/main.ts --help`.
import { inboundDoors } from "@mio/shared/channels/doors/inbound.ts";
import { runEdge } from "./program.ts";

await runEdge(inboundDoors, process.argv.slice(2));
