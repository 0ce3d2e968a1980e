// What operators and probes read: liveness, readiness (which follows pressure, not sockets), metrics and one status.
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "prom-client";

export interface Health {
  port: number;
  status(section: string, read: () => unknown): void;
  readiness(check: () => string | undefined): void;
  close(): Promise<void>;
}

/** Serves `/health/live`, `/health/ready`, `/metrics` and `/status`. Rejects when the port is taken. */
export async function serveHealth(options: { host: string; port: number; metrics: Registry; instance: string }): Promise<Health> {
  const sections = new Map<string, () => unknown>();
  const checks: (() => string | undefined)[] = [];

  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    switch (path) {
      case "/health/live":
        return json(response, 200, { live: true });
      case "/health/ready": {
        const reasons = checks.map((check) => check()).filter((reason) => reason !== undefined);
        return json(response, reasons.length === 0 ? 200 : 503, { ready: reasons.length === 0, reasons });
      }
      case "/status":
        return json(response, 200, {
          instance: options.instance,
          ...Object.fromEntries([...sections].map(([name, read]) => [name, read()])),
        });
      case "/metrics":
        response.writeHead(200, { "content-type": options.metrics.contentType });
        return response.end(await options.metrics.metrics());
      default:
        return json(response, 404, { error: "not found; there are /health/live, /health/ready, /metrics and /status" });
    }
  });
  await listen(server, options.port, options.host);
  return {
    port: (server.address() as AddressInfo).port,
    status: (section, read) => void sections.set(section, read),
    readiness: (check) => void checks.push(check),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function json(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { "content-type": "application/json" });
  response.end(`${JSON.stringify(body)}\n`);
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "EADDRINUSE"
          ? new Error(`port ${port} is in use; set MIO_HTTP_PORT to a free one, or 0`, { cause: error })
          : error,
      ),
    );
    server.listen(port, host, resolve);
  });
}
