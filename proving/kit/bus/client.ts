// The client of the bus as tests and benches hold it, with its own JetStream: what judges our code over the bus is not our code. This is the
// only file of theirs that imports it, so a change of client is made here and in shared/src/bus/client.
export {
  AckPolicy,
  type ConnectionOptions,
  connect,
  createInbox,
  DeliverPolicy,
  DiscardPolicy,
  ErrorCode,
  headers,
  type JetStreamManager,
  type JsMsg,
  type KV,
  type NatsConnection,
  NatsError,
  nanos,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "nats";
