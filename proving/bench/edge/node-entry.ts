// The Node host's program, with the uplink of a variant.

import { runEdge } from "@mio/edge/node/program.ts";
import { inboundDoors } from "@mio/shared/channels/doors/inbound.ts";
import { partsOf } from "./variants.ts";

await runEdge(inboundDoors, process.argv.slice(2), partsOf(process.env.BENCH_VARIANT));
