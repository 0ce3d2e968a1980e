// The channels whose attachments outlive the platform's links. Only core holds this list.
import type { MediaDoor } from "@mio/shared/channels/contract/media.ts";
import { slackMedia } from "../slack/media.ts";

export const mediaDoors: readonly MediaDoor[] = [slackMedia];
