// The pace of ownership: how often an owner shows that it lives, and how long it must be silent before another may take over.

export interface OwnershipTimes {
  /** How often an owner renews, and how often everybody looks. */
  heartbeatMs: number;
  /** How long a revision must stand still before another may claim. */
  claimAfterMs: number;
  /** Positions are written at most this often. */
  commitMs: number;
}

export const ownershipTimes: OwnershipTimes = { heartbeatMs: 3_000, claimAfterMs: 10_000, commitMs: 200 };
