// What a channel is, as data. A channel's record is its `channel.ts`: any room may import it, and each of its doors carries it.

export interface Channel {
  /** Its slug in proto/channels.yaml, which is `channel_type` in messages, subjects and tables: with underscores, and never changed. */
  slug: string;
  /** Paths that lead here beside `/webhooks/<slug with hyphens>`, without the slash; the `aliases` of channels.yaml. */
  legacyPaths: readonly string[];
  /** Set on a channel of the project's own tests: anybody may know its secrets, so no environment but `local` opens its doors. */
  localOnly?: true;
  limits: ChannelLimits;
  /**
   * What a command may ask for beside a message of text. All else is refused, with the same codes on all channels, never sent in part.
   * `reply` is always here, for an agent's answer is one: a platform without replies is sent a plain message.
   */
  capabilities: readonly Capability[];
  /** The attributes that it writes, each by our word for it. Programs outside read them: what stands on the right never changes. */
  attributes: Readonly<Record<string, string>>;
  /**
   * Query parameters that the platform's OAuth redirect brings beside `code`, `state` and `error`, and that the install door needs.
   * Left out: the channel connects no workspaces by OAuth.
   */
  callbackParameters?: readonly string[];
}

export interface ChannelLimits {
  /** Requests a second for one account when the operator sets none. */
  ratePerSecond: number;
  /** The longest text of one message, in UTF-16 code units. */
  textLengthMax: number;
  /** How long after an attempt's deadline a look-up may be believed. */
  settleMs: number;
}

export type Capability = "reply" | "edit" | "delete" | "reaction" | "pin" | "typing" | "attachment" | "rich_content";
