// The channels whose workspaces are connected by their own people.
import type { InstallDoor } from "../contract/install.ts";
import { slackInstall } from "../slack/install.ts";
import { zohoCliqInstall } from "../zoho-cliq/install.ts";

export const installDoors: readonly InstallDoor[] = [zohoCliqInstall, slackInstall];
