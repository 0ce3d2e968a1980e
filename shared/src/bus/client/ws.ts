// The bus over a WebSocket: the only file that imports `nats.ws`, for hosts that have no TCP.
import { connect, headers } from "nats.ws";
import { type BusClient, nativeOptions } from "./bus-client.ts";

/** To `ws://` or `wss://` addresses. */
export const webSocketClient: BusClient = { connect: (options) => connect(nativeOptions(options)), headers };
