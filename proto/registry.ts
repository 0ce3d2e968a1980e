// All messages, enums and services of this room, by their full names.
import { createRegistry, type Registry } from "@bufbuild/protobuf";
import type { GenFile } from "@bufbuild/protobuf/codegenv2";
import { file_mio_admin_v1_admin } from "./gen/mio/admin/v1/admin_pb.ts";
import { file_mio_edge_v1_edge } from "./gen/mio/edge/v1/edge_pb.ts";
import { file_mio_edge_v1_telemetry } from "./gen/mio/edge/v1/telemetry_pb.ts";
import { file_mio_v1_attachment } from "./gen/mio/v1/attachment_pb.ts";
import { file_mio_v1_attachment_stored } from "./gen/mio/v1/attachment_stored_pb.ts";
import { file_mio_v1_capabilities } from "./gen/mio/v1/capabilities_pb.ts";
import { file_mio_v1_delivery_receipt } from "./gen/mio/v1/delivery_receipt_pb.ts";
import { file_mio_v1_enums } from "./gen/mio/v1/enums_pb.ts";
import { file_mio_v1_interaction } from "./gen/mio/v1/interaction_pb.ts";
import { file_mio_v1_message } from "./gen/mio/v1/message_pb.ts";
import { file_mio_v1_presence } from "./gen/mio/v1/presence_pb.ts";
import { file_mio_v1_relation } from "./gen/mio/v1/relation_pb.ts";
import { file_mio_v1_rich_content } from "./gen/mio/v1/rich_content_pb.ts";
import { file_mio_v1_send_command } from "./gen/mio/v1/send_command_pb.ts";
import { file_mio_v1_sender } from "./gen/mio/v1/sender_pb.ts";
import { file_mio_v1_stream } from "./gen/mio/v1/stream_pb.ts";

/** Complete by test: generated.test.ts compares it with the .proto files on disk. */
export const files: readonly GenFile[] = [
  file_mio_admin_v1_admin,
  file_mio_edge_v1_edge,
  file_mio_edge_v1_telemetry,
  file_mio_v1_attachment,
  file_mio_v1_attachment_stored,
  file_mio_v1_capabilities,
  file_mio_v1_delivery_receipt,
  file_mio_v1_enums,
  file_mio_v1_interaction,
  file_mio_v1_message,
  file_mio_v1_presence,
  file_mio_v1_relation,
  file_mio_v1_rich_content,
  file_mio_v1_send_command,
  file_mio_v1_sender,
  file_mio_v1_stream,
];

export const registry: Registry = createRegistry(...files);
