import { spawn } from "node:child_process";
import { expect, it, vi } from "vitest";
import { identityOf, parentOf, stillRuns } from "./process-identity.ts";

it("knows a process by its start time and command line, not by its id alone", async () => {
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  const identity = await vi.waitFor(() => {
    const found = identityOf(child.pid ?? 0);
    expect(found?.command).toMatch(/sleep 60/);
    return found;
  });
  if (!identity) throw new Error("it runs");
  expect(stillRuns(identity)).toBe(true);
  expect(parentOf(identity.pid)).toBe(process.pid);
  expect(stillRuns({ ...identity, startedAt: `${identity.startedAt}1` })).toBe(false);
  expect(stillRuns({ ...identity, command: "postgres" })).toBe(false);
  child.kill("SIGKILL");
  await vi.waitFor(() => expect(stillRuns(identity)).toBe(false));
});

it.each([0, -1, 2 ** 30, Number.NaN])("no process has the id %s", (pid) => {
  expect(identityOf(pid)).toBeUndefined();
});
