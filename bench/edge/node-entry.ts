// The Node host's program, with the uplink of a variant.
import { inboundDoors } from "@mio/shared/channels/inbound.ts";
import { runEdge } from "../../edge/src/node/program.ts";
import { partsOf } from "./variants.ts";

await runEdge(inboundDoors, process.argv.slice(2), partsOf(process.env.BENCH_VARIANT));
