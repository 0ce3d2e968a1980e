import type { Fault } from "../fault.ts";

export const fault: Fault = {
  name: "oauth-page-not-escaped",
  guarantee: "G11",
  description: "writes a workspace's name into the page as HTML",
  file: "edge/src/oauth/oauth-page.ts",
  find: "text.replace(/[&<>\"']/g,",
  replace: "text.replace(/[&]/g,",
  tests: [{ file: "edge/src/oauth/oauth-page.test.ts", name: /G11: shows names as names/ }],
};
