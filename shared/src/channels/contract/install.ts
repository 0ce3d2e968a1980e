// The door by which people connect their own workspace (OAuth): where they agree, and what the code that comes back is worth. Core holds it.
import type { Channel } from "./channel.ts";
import type { SendFetch } from "./outbound.ts";

/** Our app, as it is registered at the platform. */
export interface OAuthApp {
  clientId: string;
  /** Never logged. */
  clientSecret: string;
  /** What the person is asked to allow; the channel's usual ones when empty. */
  scopes: readonly string[];
  /** Named by the channel, such as addresses that take the platform's place. */
  settings: Readonly<Record<string, string>>;
}

export interface OAuthGrant {
  code: string;
  /** As it was given to `authorizeUrl`. */
  redirectUri: string;
  /** What the channel's `callbackParameters` brought: anybody may have written it. */
  parameters: Readonly<Record<string, string>>;
}

export type Exchanged =
  | {
      kind: "connected";
      /** The workspace, organisation or bot, as a webhook's `workspace` says it. */
      externalId: string;
      /** As people there named it. */
      displayName: string;
      credential: string;
      /** When the credential ends by itself; left out: never. */
      expiresInSeconds?: number;
      refreshToken?: string;
      /** For the account, as both doors know them. */
      settings: Record<string, string>;
    }
  /** The platform said no to this code for good. `code` as in DeliveryError. */
  | { kind: "rejected"; code: string };

export interface InstallDoor {
  channel: Channel & Required<Pick<Channel, "callbackParameters">>;
  /** Where the person agrees. */
  authorizeUrl(app: OAuthApp, state: string, redirectUri: string): string;
  /** Throws DeliveryError for what may be tried again, and nothing else. Calls no address that only the grant names. */
  exchange(app: OAuthApp, grant: OAuthGrant, fetch: SendFetch): Promise<Exchanged>;
}
