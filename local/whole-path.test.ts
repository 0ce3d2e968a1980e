// The whole path with nothing faked but the platforms: simulator → Worker in workerd → bus → core and Postgres → agent → core → simulator.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { simulatorKinds } from "@mio/shared/channels/simulators.ts";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { readConversation, writeMessage } from "./control-client.ts";
import { type RunningSystem, startSystem } from "./system.ts";

const channels = simulatorKinds.map((kind) => kind.channelType);
let folder: string;
let system: RunningSystem;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mio-whole-path-"));
  system = await startSystem({ dataDir: join(folder, "data"), channels });
});
afterAll(async () => {
  await system?.stop();
  await rm(folder, { recursive: true, force: true });
});

it.each(channels)(
  "%s: a person's message is answered with “thinking…”, edited into an answer that quotes it",
  async (channel) => {
    const { simulators, accounts } = system.info();
    const appId = accounts.find((account) => account.channel_type === channel)?.app_id ?? "";
    const at = { url: simulators[channel] ?? "", appId };
    const asked = await writeMessage(at, { conversation: "general", user: "ann", text: `what is ${channel}?` });
    const answer = await vi.waitFor(
      async () => {
        const { messages } = await readConversation(at, asked.conversation);
        const answers = messages.filter((message) => message.bot);
        expect(answers).toHaveLength(1);
        expect(answers[0]?.edits).toHaveLength(1);
        return answers[0];
      },
      { timeout: 30_000, interval: 100 },
    );
    expect(answer?.edits[0]?.text).toContain("thinking…");
    expect(answer?.text).toContain(`what is ${channel}?`);
  },
);
