import { Registry } from "prom-client";
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
