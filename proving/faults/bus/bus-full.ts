// The ingress stream reaches its limit and refuses (discard "new"): the edge keeps what comes in its spool, and drains when there is room.
import { streams } from "@mio/shared/bus/names/streams.ts";
import { edgeHealth } from "../../judge/edge-health.ts";
import type { Fault } from "../fault.ts";

/** What it still takes when the limit is drawn. */
const roomBytes = 32 * 1024;

export const busFull: Fault = {
  name: "bus-full",
  help: "the ingress stream's limit reached from 20 % to 60 % of the run, then raised again",
  async run({ system, onBus, at, progress }) {
    const stream = streams.ingress.name;
    await at(0.2);
    const { config, state } = await onBus((bus) => bus.streams.info(stream));
    await onBus((bus) => bus.streams.update(stream, { max_bytes: state.bytes + roomBytes }));
    progress(`bus-full: ${stream} takes ${roomBytes} bytes more`);
    await at(0.58);
    const full = (await onBus((bus) => bus.streams.info(stream))).state.bytes;
    const rows = (await edgeHealth(system.info().edge))?.spoolRows ?? 0;
    await at(0.6);
    await onBus((bus) => bus.streams.update(stream, { max_bytes: config.max_bytes }));
    progress("bus-full: there is room again");
    const findings = rows === 0 ? ["nothing was in the edge's spool: the stream was not full"] : [];
    return { figures: { bytes_when_full: full, limit_bytes: state.bytes + roomBytes, spool_rows_when_full: rows }, findings };
  },
};
