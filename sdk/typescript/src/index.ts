// The door of the SDK: what an agent's author holds, and nothing else.
export { type DeliveryReceipt, DeliveryReceipt_State } from "@mio/proto/gen/mio/v1/delivery_receipt_pb.ts";
export type { Message } from "@mio/proto/gen/mio/v1/message_pb.ts";
export { MessageRelation_Kind } from "@mio/proto/gen/mio/v1/relation_pb.ts";
export type { SendCommand } from "@mio/proto/gen/mio/v1/send_command_pb.ts";
export type { Content } from "./command.ts";
export { type Connection, type ConnectOptions, connect } from "./connect.ts";
export type { ConsumeOptions } from "./consume.ts";
export { type Handling, ParkMessage } from "./handling.ts";
