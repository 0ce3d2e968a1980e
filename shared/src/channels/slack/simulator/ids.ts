// The ids of a simulated Slack: of the same shape as the real ones, and the same for the same name.
import type { InstalledApp, SimulatorHost } from "../../contract/simulator.ts";
import { idOfName, randomText } from "../../simulator/names.ts";
import type { App } from "../../simulator/state/state.ts";
import type { Conversation, World } from "../../simulator/state/world.ts";

const idTail = 9;

/** One workspace for each app, with its own signing secret and token. */
export function installedApp(name: string, host: SimulatorHost): InstalledApp {
  const appId = idOfName("A", name, idTail);
  const botUser = idOfName("U", `bot of ${name}`, idTail);
  return {
    appId,
    account: {
      externalId: idOfName("T", name, idTail),
      displayName: name,
      settings: {
        api_base_url: `${host.baseUrl}/api`,
        app_id: appId,
        bot_user_id: botUser,
        bot_id: idOfName("B", name, idTail),
      },
      secrets: [{ scheme: "slack-v0", value: hex(host.random.bytes(16)) }],
      credential: `xoxb-${idOfName("", name, 11)}-${randomText(host.random, 24)}`,
    },
  };
}

/** `@ann` is the app's direct conversation with her; a channel id is taken as it is. */
export function conversationOf(app: App, name: string): { id: string; kind: string } {
  if (/^[CDG][0-9A-Z]{8,20}$/.test(name)) return { id: name, kind: kindOfId(name) };
  if (name.startsWith("@")) return { id: idOfName("D", `${app.id} ${name}`, idTail), kind: "im" };
  return { id: idOfName("C", `${app.id} ${name}`, idTail), kind: "channel" };
}

export function personOf(app: App, name: string): { id: string } {
  return { id: /^[UW][0-9A-Z]{8,20}$/.test(name) ? name : idOfName("U", `${app.id} ${name}`, idTail) };
}

/** Microseconds that only grow within a channel. */
export function nextTs(conversation: Conversation, world: World, nowMs: number): string {
  return tsOf(world.rising(`ts ${conversation.appId} ${conversation.id}`, nowMs * 1_000));
}

export function tsOfMs(ms: number, micros: number): string {
  return tsOf(ms * 1_000 + micros);
}

/** Slack gives the time of an edit in whole seconds. */
export function editedTsOfMs(ms: number): string {
  return `${Math.floor(ms / 1_000)}.000000`;
}

export function nextEventId(_app: App, world: World): string {
  return `Ev${world.rising("event", 1).toString(36).toUpperCase().padStart(9, "0")}`;
}

/** Which event of the simulator an event id counts. */
export function eventNumberOf(eventId: string): number {
  return Number.parseInt(eventId.slice(2), 36);
}

function tsOf(micros: number): string {
  return `${Math.floor(micros / 1_000_000)}.${String(micros % 1_000_000).padStart(6, "0")}`;
}

function kindOfId(id: string): string {
  if (id.startsWith("D")) return "im";
  return id.startsWith("G") ? "group" : "channel";
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
