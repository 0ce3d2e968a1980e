// Every bound of an uplink, with its unit and its reason.

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

export interface UplinkLimits {
  /** How long a publish may take before its group is spooled; a platform waits about three seconds for everything. */
  deadlineMs: number;
  /** How long a publish from the spool may take before it is tried again; a bus known to be slow gets up to `drainDeadlineMaxMs`. */
  drainDeadlineMs: number;
  drainDeadlineMaxMs: number;
  groupEventsMax: number;
  groupBytesMax: number;
  queueBytesMax: number;
  spoolRowsMax: number;
  spoolBytesMax: number;
  spoolAgeMaxMs: number;
  /** How often the bus must have refused a row for the row's own sake before it is set aside. */
  refusalsMax: number;
  retryMinMs: number;
  retryMaxMs: number;
  /** How long one alarm drains before it hands over to the next. */
  wakeMaxMs: number;
  /** At least this long lies between two telemetry messages, of an uplink and of an isolate to it. */
  telemetryEveryMs: number;
}

/**
 * The largest encoded event: with its group around it, it stays below the server's default `max_payload` of 1 MiB and the 2 MB of a row. It
 * may be alone in its group, so a group of `groupBytesMax` can be exceeded by one such event and by no more.
 */
export const eventBytesMax = mebibyte - 16 * kibibyte;

export const uplinkLimits: UplinkLimits = {
  deadlineMs: 800,
  /** Nobody waits for it, and each try costs a slow bus more work; but a try that an election of the cluster lost is made again soon. */
  drainDeadlineMs: 5_000,
  drainDeadlineMaxMs: 60_000,
  groupEventsMax: 512,
  /** Measured: rows beyond this make a commit slow. */
  groupBytesMax: 512 * kibibyte,
  /** An isolate has 128 MB, and a group exists up to three times while it is sent. Beyond it: spool, then 503. */
  queueBytesMax: 16 * mebibyte,
  spoolRowsMax: 200_000,
  /** A Durable Object stores at most 10 GB. */
  spoolBytesMax: 2 * kibibyte * mebibyte,
  /** Nothing is dropped at this age; new events are refused. Dedup keys outlive it by weeks. */
  spoolAgeMaxMs: 24 * 3_600_000,
  refusalsMax: 3,
  retryMinMs: 1_000,
  retryMaxMs: 5_000,
  wakeMaxMs: 60_000,
  telemetryEveryMs: 10_000,
};
