// One publish with a deadline. What is not acknowledged in time is of unknown outcome, as is what is given up.
import type { Clock } from "@mio/shared/clock.ts";
import type { BusLink, BusMessage, Published } from "./ports.ts";

/** Never rejects. `givenUp` ends the wait early, as if the deadline had passed. */
export async function publishWithin(
  ports: { link: BusLink; clock: Clock },
  message: BusMessage,
  deadlineMs: number,
  givenUp?: AbortSignal,
): Promise<Published> {
  const timer = new AbortController();
  const signal = givenUp ? AbortSignal.any([timer.signal, givenUp]) : timer.signal;
  const late = ports.clock.sleep(deadlineMs, signal).then(
    () => "no answer within the deadline",
    () => "given up",
  );
  try {
    return await Promise.race([
      ports.link.publish(message),
      late.then((reason): Published => ({ kind: "not_acknowledged", reason })),
    ]);
  } finally {
    timer.abort();
  }
}
