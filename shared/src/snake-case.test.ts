import { expect, it } from "vitest";
import { snakeCase } from "./snake-case.ts";

it("spells names as log lines do and leaves values alone", () => {
  expect(snakeCase({ duplicatesOutsideRetries: 1, oldestQueuedSeconds: 2, position: { byId: 3 } })).toEqual({
    duplicates_outside_retries: 1,
    oldest_queued_seconds: 2,
    position: { byId: 3 },
  });
});
