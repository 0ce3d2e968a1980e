// The operator rotates the account's secret with an overlap; the platform changes to the new one within it. Nobody who signs with a secret
// that is valid is refused, and nobody is accepted with the old one afterwards.
import { randomBytes } from "node:crypto";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startShadowPlatform } from "../../load/shadow-platform.ts";
import type { Fault } from "../fault.ts";

/** The edge knows a new secret within ten seconds. */
const knownWithinMs = 11_000;
/** An isolate looks at its directory every five. */
const endedWithinMs = 7_000;
const oldOnes = 10;

export const secretRotated: Fault = {
  name: "secret-rotated",
  help: "mio account rotate-secret with an overlap; the platform signs with the old secret, then the new, then only the new is valid",
  secondsMin: 30,
  async run({ channel, seed, seconds, account, platform, load, mio, at, pause, progress }) {
    await using old = await startShadowPlatform({ channelType: channel, seed, webhookUrl: account.webhook_url });
    const value = randomBytes(16).toString("hex");
    const secret = { scheme: account.scheme, value };
    await at(0.1);
    const rotatedMs = performance.now();
    const overlapSeconds = Math.ceil(seconds * 0.7);
    await using folder = await mkdtempDisposable(join(tmpdir(), "mio-secret-"));
    const file = join(folder.path, "secret");
    await writeFile(file, value, { mode: 0o600 });
    const rotation = ["--verification", `${account.scheme}=@${file}`, "--overlap", `${overlapSeconds}s`];
    await mio("account", "rotate-secret", account.account_id, ...rotation);
    const doneMs = performance.now();
    progress(`secret-rotated: the old one is valid for ${overlapSeconds} s more`);
    await pause(knownWithinMs - (performance.now() - rotatedMs));
    await at(0.5);
    await platform.control("POST", "apps", { name: "mio", webhook_url: account.webhook_url, secret });
    const changedMs = performance.now();
    progress("secret-rotated: the platform signs with the new one");
    // Not cut short by the end of the run, which may come before.
    await sleep(Math.max(0, doneMs + overlapSeconds * 1_000 + endedWithinMs - performance.now()));
    const statuses = await old.send(oldOnes);
    const accepted = statuses.filter((status) => status !== 401).length;
    const attempts = load.messages.flatMap((message) => message.attempts);
    const refused = attempts.filter(({ status }) => status === 401).length;
    const signedOld = attempts.filter(({ sentMs }) => sentMs < changedMs).length;
    return {
      figures: {
        signed_with_old: signedOld,
        signed_with_new: attempts.length - signedOld,
        refused_401_in_overlap: refused,
        old_after_overlap: statuses.length,
        old_refused_401: statuses.length - accepted,
      },
      findings: [
        ...(refused > 0 ? [`${refused} webhooks with a valid secret were answered 401`] : []),
        ...(accepted > 0
          ? [`${accepted} of ${statuses.length} webhooks with the old secret were not refused after the overlap`]
          : []),
      ],
    };
  },
};
