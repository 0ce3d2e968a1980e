// The Node host's program with the tests' own channel instead of the platforms'.
import { runEdge } from "@mio/edge/node/program.ts";
import { sampleInbound } from "../sample-channel/inbound.ts";
import { limitsVariable, partsOf } from "./uplink-parts.ts";

await runEdge([sampleInbound], process.argv.slice(2), partsOf(process.env[limitsVariable]));
