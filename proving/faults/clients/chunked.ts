// Bodies without a length, in many small pieces: as good as any other, for a signature is over the bytes.
import type { Fault } from "../fault.ts";

const pieceBytes = 64;

export const chunked: Fault = {
  name: "chunked",
  help: `webhooks in chunks of ${pieceBytes} bytes and without a content-length, from 20 % to 80 % of the run`,
  async run({ platform, load, at, progress }) {
    const attempts = () => load.messages.reduce((sum, message) => sum + message.attempts.length, 0);
    await at(0.2);
    const before = attempts();
    platform.inPieces(pieceBytes);
    progress("chunked: begins");
    await at(0.8);
    platform.inPieces(0);
    const statuses = load.messages.flatMap((message) => message.attempts.map(({ status }) => status));
    const refused = statuses.filter((status) => status >= 400 && status < 500).length;
    return {
      figures: { chunked_webhooks: attempts() - before, refused_4xx: refused },
      findings: refused > 0 ? [`${refused} webhooks were refused with a 4xx`] : [],
    };
  },
};
