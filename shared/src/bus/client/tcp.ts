// The bus over TCP: the only file that imports `nats`. That a real client fits the port without a cast is proven by its types.
import { connect, headers } from "nats";
import { type BusClient, nativeOptions } from "./bus-client.ts";

/** To `nats://` or `tls://` addresses. */
export const tcpClient: BusClient = { connect: (options) => connect(nativeOptions(options)), headers };
