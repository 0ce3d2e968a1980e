import { expect, it } from "vitest";
import { checkpoints } from "./checkpoint.ts";

it("raises once, at the named point, after the passes to skip", async () => {
  const raised: string[] = [];
  const checkpoint = checkpoints("dedup.published:pause:2", (signal) => raised.push(signal));
  for (let pass = 0; pass < 6; pass += 1) {
    await checkpoint("dedup.marked");
    await checkpoint("dedup.published");
    expect(raised).toEqual(pass < 2 ? [] : ["SIGSTOP"]);
  }
});

it("does nothing without a name, and refuses a text of another form", async () => {
  await checkpoints(undefined, () => expect.unreachable())("dedup.published");
  for (const text of ["", "dedup.published", "dedup.published:stop", "dedup.published:kill:x"]) {
    expect(() => checkpoints(text, () => {}), text).toThrow(/MIO_CHECKPOINT/);
  }
});
