// Discord's gateway, decided without I/O: hello, identify or resume, heartbeats and their answers, and what each event is worth.
import type { ListenerDoor } from "@mio/shared/channels/contract/listener.ts";

export declare const discordListener: ListenerDoor;
