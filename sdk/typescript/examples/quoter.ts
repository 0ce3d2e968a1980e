// Says a word at once, then the answer.
import { connect } from "@mio/sdk";

const { argv, env } = process;
const [, , bus = "", ...accounts] = argv;
const thinking = { text: "thinking…" };
const stop = new AbortController();
process.once("SIGINT", () => {
  stop.abort();
});

await using mio = await connect({
  servers: [bus],
  user: env.MIO_NATS_USER,
  password: env.MIO_NATS_PASSWORD,
  group: "quoter",
  accounts,
});

await mio.consume(
  async (message, { reply, edit }) => {
    const said = await reply(thinking);
    await edit(said, {
      text: `You said ${message.text}`,
    });
  },
  {
    signal: stop.signal,
    sinceMs: Date.now(),
  },
);
