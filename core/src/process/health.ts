// What operators and probes read: liveness, readiness (which follows what the services report, not sockets), metrics and one status.
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "prom-client";

interface Health {
  port: number;
  status(section: string, read: () => unknown): void;
  readiness(check: () => string | undefined): void;
  close(): Promise<void>;
}

/** Only so that a path can be parsed. */
const base = "http://localhost";

/** Serves `/health/live`, `/health/ready`, `/metrics` and `/status`. Rejects when the port is taken. */
export async function serveHealth(options: { host: string; port: number; metrics: Registry; instance: string }): Promise<Health> {
  const sections = new Map<string, () => unknown>();
  const checks: (() => string | undefined)[] = [];

  // A probe must never end the process: what cannot be answered is a 500, and the cause stays in the answer's one line.
  const server = createServer((request, response) => {
    answer(request.url ?? "/", response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else json(response, 500, { error: `cannot be read: ${error instanceof Error ? error.message : String(error)}` });
    });
  });
  const answer = async (target: string, response: ServerResponse): Promise<unknown> => {
    if (!URL.canParse(target, base)) return json(response, 400, { error: "the request's target is no path" });
    switch (new URL(target, base).pathname) {
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
      case "/metrics": {
        const text = await options.metrics.metrics();
        response.writeHead(200, { "content-type": options.metrics.contentType });
        return response.end(text);
      }
      default:
        return json(response, 404, { error: "not found; there are /health/live, /health/ready, /metrics and /status" });
    }
  };
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
  const text = JSON.stringify(body);
  response.writeHead(code, { "content-type": "application/json" });
  response.end(`${text}\n`);
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
