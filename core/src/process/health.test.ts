import { connect } from "node:net";
import { Gauge, Registry } from "prom-client";
import { expect, it } from "vitest";
import { serveHealth } from "./health.ts";

it("is live at once, ready when no check objects, and shows status and metrics", async () => {
  const health = await serveHealth({ host: "127.0.0.1", port: 0, metrics: new Registry(), instance: "test" });
  const get = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${health.port}${path}`);
    return { status: answer.status, body: await answer.text() };
  };
  let reason: string | undefined = "still loading";
  health.readiness(() => reason);
  health.status("dedup", () => ({ lag: 3 }));

  expect((await get("/health/live")).status).toBe(200);
  expect(await get("/health/ready")).toEqual({ status: 503, body: '{"ready":false,"reasons":["still loading"]}\n' });
  reason = undefined;
  expect((await get("/health/ready")).status).toBe(200);
  expect(JSON.parse((await get("/status")).body)).toEqual({ instance: "test", dedup: { lag: 3 } });
  expect((await get("/metrics")).status).toBe(200);
  expect((await get("/nothing")).status).toBe(404);

  await expect(serveHealth({ host: "127.0.0.1", port: health.port, metrics: new Registry(), instance: "other" })).rejects.toThrow(
    /MIO_HTTP_PORT/,
  );
  await health.close();
});

it("goes on after a request whose target is no path, and after a reader that throws", async () => {
  const metrics = new Registry();
  const health = await serveHealth({ host: "127.0.0.1", port: 0, metrics, instance: "test" });
  const get = (path: string) => fetch(`http://127.0.0.1:${health.port}${path}`).then((answer) => answer.status);
  const fail = () => {
    throw new Error("not now");
  };
  health.status("broken", fail);
  new Gauge({ name: "broken", help: "Throws.", registers: [metrics], collect: fail });

  // `fetch` would turn "//" into a path; a scanner does not.
  expect(await rawGet(health.port, "//")).toMatch(/^HTTP\/1.1 400 /);
  expect(await get("/status")).toBe(500);
  expect(await get("/metrics")).toBe(500);
  health.readiness(fail);
  expect(await get("/health/ready")).toBe(500);
  expect(await get("/health/live")).toBe(200);
  await health.close();
});

async function rawGet(port: number, target: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.write(`GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return text;
}
