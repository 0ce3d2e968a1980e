// The channels that are heard over a socket which we open. Only core holds this list: a Worker cannot keep a socket for days.
import type { ListenerDoor } from "@mio/shared/channels/contract/listener.ts";
import { discordListener } from "../discord/listener.ts";

export const listenerDoors: readonly ListenerDoor[] = [discordListener];
