// Free TCP ports on the loopback. Taken from below the range that the kernel gives to outgoing connections: a client that keeps
// trying a port of that range can connect to itself, and then the server that comes back cannot have its port.
import { createServer } from "node:net";

const portMin = 12_000;
const portMax = 32_000;
const attemptsMax = 50;

/** A port that nobody listens on at this moment; `preferred` when it is free. */
export async function freePort(preferred?: number): Promise<number> {
  if (preferred !== undefined && (await isFree(preferred))) return preferred;
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const port = portMin + Math.floor(Math.random() * (portMax - portMin));
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port was found on 127.0.0.1 in ${attemptsMax} attempts between ${portMin} and ${portMax}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}
