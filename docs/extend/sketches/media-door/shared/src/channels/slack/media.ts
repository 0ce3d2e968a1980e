// Slack's door for files: the address of the file asks for the bot's token, and answers 200 with a login page without it.
import type { MediaDoor } from "@mio/shared/channels/contract/media.ts";

export declare const slackMedia: MediaDoor;
