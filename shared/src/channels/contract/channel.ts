// What a channel is, as data.

export interface ChannelLimits {
  /** Requests a second for one account when the operator sets none. */
  ratePerSecond: number;
  /** The longest text of one message, in UTF-16 code units. */
  textLengthMax: number;
  /** How long after an attempt's deadline a look-up may be believed. */
  settleMs: number;
}
