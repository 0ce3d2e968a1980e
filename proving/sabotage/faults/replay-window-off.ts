import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "replay-window-off",
  guarantee: "G11",
  description: "takes a signature of any age",
  file: "shared/src/channels/slack/signature.ts",
  find: 'if (Math.abs(Math.floor(nowMs / 1000) - Number(timestamp)) > replayWindowSeconds) return refused("timestamp_outside_window");',
  replace: "",
  tests: [{ file: "proving/fuzz/fuzz.test.ts", name: /G11: corpus clock-skew/ }],
};
