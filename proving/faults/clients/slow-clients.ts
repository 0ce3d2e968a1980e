// Clients that hold connections and give nothing: they may cost the edge a socket each, and the platform's webhooks nothing.
import { connect, type Socket } from "node:net";
import type { Fault, FaultContext, FaultOutcome } from "../fault.ts";

/** A slow body grows by one byte in this time. */
const dripMs = 1_000;
const againAfterMs = 200;
/** Opened in one go; more at once would overrun the listener's backlog. */
const openedAtOnce = 100;

export const slowloris: Fault = {
  name: "slowloris",
  help: "2,000 clients that send a body of 10,000 bytes, one byte a second, from 10 % to 90 % of the run",
  run: (context) => holdClients(context, { slow: 2_000, idle: 0 }),
};

export const connections10000: Fault = {
  name: "connections-10000",
  help: "10,000 connections at once, half of them idle and half with slow bodies, from 10 % to 90 % of the run",
  run: (context) => holdClients(context, { slow: 5_000, idle: 5_000 }),
};

async function holdClients(
  { account, at, pause, progress }: FaultContext,
  wanted: { slow: number; idle: number },
): Promise<FaultOutcome> {
  const { hostname, port, pathname } = new URL(account.webhook_url);
  const head = `POST ${pathname} HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: application/json\r\ncontent-length: 10000\r\n\r\n{`;
  const open = new Set<Socket>();
  const answers = new Map<string, number>();
  let failed = 0;
  let most = 0;
  let again = 0;
  let closing = false;

  function client(slow: boolean): Promise<void> {
    return new Promise((resolve) => {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true });
      let drip: NodeJS.Timeout | undefined;
      socket.once("connect", () => {
        open.add(socket);
        most = Math.max(most, open.size);
        if (slow) {
          socket.write(head);
          drip = setInterval(() => socket.write(" "), dripMs);
        }
        resolve();
      });
      socket.once("data", (bytes: Buffer) => {
        const status = /^HTTP\/1\.1 (\d{3})/.exec(bytes.toString("latin1"))?.[1] ?? "none";
        answers.set(status, (answers.get(status) ?? 0) + 1);
      });
      socket.on("error", () => {
        if (!open.has(socket) && !closing) failed += 1;
        resolve();
      });
      socket.on("close", () => {
        clearInterval(drip);
        // Whom the edge cuts off comes again.
        if (!open.delete(socket) || closing) return;
        again += 1;
        setTimeout(() => closing || void client(slow), againAfterMs);
      });
    });
  }

  await at(0.1);
  const total = wanted.slow + wanted.idle;
  progress(`holding ${total} connections open`);
  for (let made = 0; made < total; made += openedAtOnce) {
    await Promise.all(
      Array.from({ length: Math.min(openedAtOnce, total - made) }, (_, each) => client((made + each) % total < wanted.slow)),
    );
    await pause(20);
  }
  await at(0.9);
  const held = open.size;
  closing = true;
  for (const socket of open) socket.destroy();
  progress(`${held} of ${total} connections were still open`);
  const accepted = answers.get("200") ?? 0;
  const statuses = [...answers].map(([status, count]) => `${status}: ${count}`).join(" ");
  return {
    figures: {
      wanted: total,
      most_open: most,
      open_at_the_end: held,
      came_again: again,
      not_connected: failed,
      answered: statuses || "none",
    },
    findings: [
      ...(accepted > 0 ? [`${accepted} unfinished bodies were answered 200`] : []),
      ...(most < total / 2
        ? [`only ${most} of ${total} connections were open at once; is the limit of open files too low (ulimit -n)?`]
        : []),
    ],
  };
}
