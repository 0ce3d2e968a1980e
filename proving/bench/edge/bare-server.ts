// The least that a Node process can do for a webhook: read it and say 200. What stands between it and the Node host is what the edge does;
// what the load generator uses meanwhile is its own cost.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const server = createServer((incoming, outgoing) => {
  incoming.on("data", () => {});
  incoming.on("end", () => outgoing.writeHead(200, ["content-length", "0"]).end());
});
server.listen(0, "127.0.0.1", () => {
  process.send?.({ kind: "ready", url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
process.once("disconnect", () => process.exit(0));
