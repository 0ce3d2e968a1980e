// Every name and number of the wire, written down a second time and by hand. Programs outside this repository hold the
// same table. A line may be added here, together with the .proto; none may ever change or go.
import { type DescEnum, type DescField, type DescMessage, type DescService, ScalarType } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { files } from "./registry.ts";

const T = "google.protobuf.Timestamp";
const SCOPE_FROM_3 = "3 tenant_id string, 4 account_id string, 5 channel_type string";

/** Field numbers, names and types. `repeated` in front, `in x` behind for a member of the oneof x. */
const messages: Record<string, string> = {
  "mio.v1.Message": `1 id string, 2 schema_version int32, ${SCOPE_FROM_3}, 6 conversation_id string,
    7 conversation_external_id string, 8 conversation_kind mio.v1.ConversationKind, 9 parent_conversation_id string,
    10 source_message_id string, 11 thread_root_message_id string, 12 sender mio.v1.Sender, 13 text string,
    14 attachments repeated mio.v1.Attachment, 15 received_at ${T}, 16 attributes map<string,string>,
    17 relation mio.v1.MessageRelation, 18 reserved,
    19 sent_at ${T}, 20 interaction mio.v1.Interaction, 21 edge mio.v1.EdgeInfo`,
  "mio.v1.EdgeInfo": `1 region string, 2 received_at ${T}, 3 spooled bool`,
  "mio.v1.Interaction": "1 kind mio.v1.Interaction.Kind, 2 key string, 3 values map<string,string>, 4 reply_handle string",
  "mio.v1.SendCommand": `1 id string, 2 schema_version int32, ${SCOPE_FROM_3}, 6 conversation_id string,
    7 conversation_external_id string, 8 parent_conversation_id string, 9 thread_root_message_id string, 10 text string,
    11 attachments repeated mio.v1.Attachment, 12 edit_of_message_id string, 13 edit_of_external_id string,
    14 attributes map<string,string>, 15 relation mio.v1.MessageRelation, 16 rich_content mio.v1.RichContent,
    17 stream mio.v1.StreamChunk, 18 not_before ${T}, 19 expires_at ${T}, 20 typing bool, 21 cause_message_id string,
    22 cancel_of string, 23 retry_of string`,
  "mio.v1.StreamChunk": "1 stream_id string, 2 sequence int32, 3 final bool, 4 mode mio.v1.StreamChunk.Mode",
  "mio.v1.DeliveryReceipt": `1 id string, 2 schema_version int32, 3 command_id string, 4 tenant_id string, 5 account_id string,
    6 channel_type string, 7 conversation_id string, 8 conversation_external_id string, 9 state mio.v1.DeliveryReceipt.State,
    10 external_ids repeated string, 11 message_ids repeated string, 12 attempts int32, 13 error_code string,
    14 error_text string, 15 created_at ${T}, 16 cause_message_id string, 17 traceparent string,
    18 command mio.v1.SendCommand, 19 final bool`,
  "mio.v1.AttachmentStored": `1 schema_version int32, 2 message_id string, ${SCOPE_FROM_3}, 6 conversation_id string,
    7 attachment_index int32, 8 storage_key string, 9 content_sha256 string, 10 bytes int64, 11 stored_at ${T}`,
  "mio.v1.Attachment": `1 kind mio.v1.Attachment.Kind, 2 url string, 3 mime string, 4 bytes int64, 5 filename string,
    6 storage_key string, 7 content_sha256 string, 8 error_code mio.v1.Attachment.ErrorCode`,
  "mio.v1.Sender": "1 external_id string, 2 display_name string, 3 peer_kind mio.v1.PeerKind, 4 is_bot bool",
  "mio.v1.MessageRelation": `1 kind mio.v1.MessageRelation.Kind, 2 target_message_id string, 3 target_external_id string,
    4 reaction_emoji string, 5 removed bool`,
  "mio.v1.ChannelCapabilities": `1 supports_edit bool, 2 supports_delete bool, 3 supports_reactions bool, 4 supports_threads bool,
    5 supports_typing bool, 6 supports_presence bool, 7 allowed_attachments repeated mio.v1.Attachment.Kind,
    8 max_text_bytes int32, 9 rate_limit_per_second int32, 10 rate_limit_scope string, 11 auth_kind string,
    12 edit_window_seconds int32, 13 delete_window_seconds int32`,
  "mio.v1.RichContent": "1 card mio.v1.RichCard, 2 blocks repeated mio.v1.RichBlock, 3 buttons repeated mio.v1.RichButton",
  "mio.v1.RichCard": "1 title string, 2 subtitle string, 3 thumbnail_url string, 4 theme string",
  "mio.v1.RichBlock": `1 text mio.v1.RichTextBlock in content, 2 list mio.v1.RichListBlock in content,
    3 table mio.v1.RichTableBlock in content, 4 label mio.v1.RichLabelBlock in content, 5 images mio.v1.RichImagesBlock in content`,
  "mio.v1.RichTextBlock": "1 title string, 2 text string",
  "mio.v1.RichListBlock": "1 title string, 2 items repeated string",
  "mio.v1.RichTableBlock": "1 title string, 2 headers repeated string, 3 rows repeated mio.v1.RichTableRow",
  "mio.v1.RichTableRow": "1 cells repeated string",
  "mio.v1.RichLabelBlock": "1 title string, 2 labels repeated mio.v1.RichLabel",
  "mio.v1.RichLabel": "1 key string, 2 value string",
  "mio.v1.RichImagesBlock": "1 title string, 2 urls repeated string",
  "mio.v1.RichButton": `1 label string, 2 style mio.v1.RichButton.Style, 3 key string, 4 hint string,
    5 action mio.v1.RichButtonAction`,
  "mio.v1.RichButtonAction": `1 kind mio.v1.RichButtonAction.Kind, 2 url string, 3 text string, 4 function_name string,
    5 function_owner string`,
  "mio.v1.Presence": `1 tenant_id string, 2 account_id string, 3 conversation_id string, 4 external_user_id string,
    5 state mio.v1.Presence.State, 6 observed_at ${T}`,

  "mio.edge.v1.IngressGroup": `1 version int32, 2 id string, 3 region string, 4 shard int32, 5 generation int64, 6 grouped_at ${T},
    7 spooled bool, 8 events repeated bytes`,
  "mio.edge.v1.IngressEvent": `1 version int32, 2 subject string, ${SCOPE_FROM_3}, 6 conversation_id string,
    7 conversation_external_id string, 8 sender_external_id string, 9 source_message_id string, 10 message_id string,
    11 event_day string, 12 traceparent string, 13 received_at ${T}, 14 message bytes in body,
    15 quarantine mio.edge.v1.QuarantineEntry in body, 16 layout_closed mio.edge.v1.LayoutClosed in body`,
  "mio.edge.v1.LayoutClosed": "1 generation int64, 2 edge string",
  "mio.edge.v1.QuarantineEntry": `1 version int32, 2 id string, ${SCOPE_FROM_3}, 6 conversation_id string,
    7 conversation_external_id string, 8 sender_external_id string, 9 reason string, 10 method string, 11 path string,
    12 headers map<string,string>, 13 body bytes, 14 received_at ${T}, 15 region string, 16 workspace_external_id string,
    17 verified_by string`,
  "mio.edge.v1.SealedValue": "1 version int32, 2 key_id string, 3 nonce bytes, 4 ciphertext bytes, 5 row_version int64",
  "mio.edge.v1.DirectoryValue": `1 version int32, 2 route string, 3 row_version int64,
    4 secrets repeated mio.edge.v1.DirectorySecret, 5 account mio.edge.v1.DirectoryAccount, 6 removed bool`,
  "mio.edge.v1.DirectorySecret": `1 scheme string, 2 value string, 3 not_before ${T}, 4 not_after ${T}, 5 account_id string`,
  "mio.edge.v1.DirectoryAccount": `1 tenant_id string, 2 account_id string, 3 channel_type string, 4 external_id string,
    5 settings map<string,string>, 6 home_region string, 7 shard_count int32, 8 generation int64, 9 disabled bool,
    10 previous repeated mio.edge.v1.ShardLayout, 11 closed_by repeated string`,
  "mio.edge.v1.ShardLayout": "1 home_region string, 2 shard_count int32",
  "mio.edge.v1.DirectorySnapshot": `1 version int32, 2 completed_at ${T}, 3 entries int64, 4 revision int64`,
  "mio.edge.v1.OAuthCallback": `1 version int32, 2 channel_type string, 3 state string, 4 code string, 5 error string,
    6 parameters map<string,string>, 7 received_at ${T}, 8 region string, 9 traceparent string`,
  "mio.edge.v1.OAuthAnswer": `1 version int32, 2 outcome mio.edge.v1.OAuthAnswer.Outcome, 3 workspace_name string,
    4 tenant_name string`,
  "mio.edge.v1.EdgeTelemetry": `1 version int32, 2 region string, 3 shard int32, 4 generation int64, 5 instance string,
    6 sequence int64, 7 sent_at ${T}, 8 requests repeated mio.edge.v1.RequestTelemetry, 9 uplink mio.edge.v1.UplinkTelemetry`,
  "mio.edge.v1.RequestTelemetry": `1 channel_type string, 2 outcome string, 3 http_status int32,
    4 duration_seconds mio.edge.v1.TelemetryHistogram`,
  "mio.edge.v1.UplinkTelemetry": `1 connected bool, 2 stuck bool, 3 spool_rows int64, 4 spool_bytes int64,
    5 spool_oldest_age_ms int64, 6 groups_published uint32, 7 groups_spooled uint32, 8 events_stored uint32,
    9 events_refused uint32, 10 rows_drained uint32, 11 drains_failed uint32, 12 duplicates_on_retry uint32,
    13 duplicates_outside_retry uint32, 14 published_bytes int64, 15 publish_seconds mio.edge.v1.TelemetryHistogram,
    16 group_events mio.edge.v1.TelemetryHistogram, 17 spool_aside_rows int64, 18 bus string`,
  "mio.edge.v1.TelemetryHistogram": "1 counts repeated uint32, 2 sum double",

  "mio.admin.v1.Tenant": `1 id string, 2 slug string, 3 display_name string, 4 status string, 5 created_at ${T}, 6 disabled_at ${T}`,
  "mio.admin.v1.Account": `1 id string, 2 tenant_id string, 3 channel_type string, 4 provider string, 5 external_id string,
    6 display_name string, 7 created_at ${T}, 8 disabled_at ${T}, 9 rate_limit_per_second int32, 10 rate_limit_scope string`,
  "mio.admin.v1.ChannelType": "1 slug string, 2 capabilities mio.v1.ChannelCapabilities, 3 status string",
  "mio.admin.v1.CreateTenantRequest": "1 slug string, 2 display_name string",
  "mio.admin.v1.CreateTenantResponse": "1 tenant mio.admin.v1.Tenant",
  "mio.admin.v1.ListTenantsRequest": "",
  "mio.admin.v1.ListTenantsResponse": "1 tenants repeated mio.admin.v1.Tenant",
  "mio.admin.v1.GetTenantRequest": "1 id string",
  "mio.admin.v1.GetTenantResponse": "1 tenant mio.admin.v1.Tenant",
  "mio.admin.v1.ListChannelTypesRequest": "",
  "mio.admin.v1.ListChannelTypesResponse": "1 channel_types repeated mio.admin.v1.ChannelType",
  "mio.admin.v1.StartInstallRequest": "1 tenant_id string, 2 channel_type string, 3 provider string",
  "mio.admin.v1.StartInstallResponse": "1 install_id string, 2 oauth_url string, 3 redirect_uri string",
  "mio.admin.v1.CompleteInstallRequest": "1 install_id string",
  "mio.admin.v1.CompleteInstallResponse": "1 account mio.admin.v1.Account",
  "mio.admin.v1.GetAccountRequest": "1 account_id string",
  "mio.admin.v1.GetAccountResponse": "1 account mio.admin.v1.Account",
  "mio.admin.v1.UpdateAccountRequest": "1 account_id string, 2 display_name string, 3 external_id string",
  "mio.admin.v1.UpdateAccountResponse": "1 account mio.admin.v1.Account",
  "mio.admin.v1.SetRateLimitRequest": "1 account_id string, 2 rate_limit_per_second int32, 3 rate_limit_scope string",
  "mio.admin.v1.SetRateLimitResponse": "1 account mio.admin.v1.Account",
  "mio.admin.v1.GetCredentialMetadataRequest": "1 account_id string",
  "mio.admin.v1.GetCredentialMetadataResponse": `1 account_id string, 2 has_credential bool, 3 auth_kind string, 4 key_version int32,
    5 expires_at ${T}, 6 rotated_at ${T}`,
  "mio.admin.v1.ListAccountsRequest": "1 tenant_id string",
  "mio.admin.v1.ListAccountsResponse": "1 accounts repeated mio.admin.v1.Account",
  "mio.admin.v1.DisableAccountRequest": "1 account_id string",
  "mio.admin.v1.DisableAccountResponse": "1 account mio.admin.v1.Account",
  "mio.admin.v1.RotateCredentialRequest": "1 account_id string",
  "mio.admin.v1.RotateCredentialResponse": `1 account_id string, 2 key_version int32, 3 rotated_at ${T}`,
  "mio.admin.v1.TailMessagesRequest": "1 tenant_id string, 2 account_id string, 3 channel_type string, 4 conversation_id string",
  "mio.admin.v1.TailMessagesResponse": "1 message mio.v1.Message",
  "mio.admin.v1.GetWebhookInfoRequest": "1 account_id string",
  "mio.admin.v1.GetWebhookInfoResponse": "1 account_id string, 2 url string, 3 shared bool, 4 has_secret bool",
  "mio.admin.v1.GetStreamHealthRequest": "",
  "mio.admin.v1.GetStreamHealthResponse": "1 streams repeated mio.admin.v1.StreamHealth",
  "mio.admin.v1.StreamHealth": `1 name string, 2 messages int64, 3 bytes int64, 4 max_bytes int64, 5 first_sequence int64,
    6 last_sequence int64, 7 readers repeated mio.admin.v1.ReaderHealth`,
  "mio.admin.v1.ReaderHealth": "1 name string, 2 lag_messages int64, 3 lag_seconds int64",
};

const enums: Record<string, string> = {
  "mio.v1.ConversationKind": `CONVERSATION_KIND_UNSPECIFIED 0, CONVERSATION_KIND_DM 1, CONVERSATION_KIND_GROUP_DM 2,
    CONVERSATION_KIND_CHANNEL_PUBLIC 3, CONVERSATION_KIND_CHANNEL_PRIVATE 4, CONVERSATION_KIND_THREAD 5,
    CONVERSATION_KIND_FORUM_POST 6, CONVERSATION_KIND_BROADCAST 7`,
  "mio.v1.PeerKind": "PEER_KIND_UNSPECIFIED 0, PEER_KIND_DIRECT 1, PEER_KIND_GROUP 2",
  "mio.v1.Attachment.Kind": "KIND_UNSPECIFIED 0, KIND_IMAGE 1, KIND_FILE 2, KIND_AUDIO 3, KIND_VIDEO 4, KIND_LINK 5",
  "mio.v1.Attachment.ErrorCode": `ERROR_CODE_UNSPECIFIED 0, ERROR_CODE_OK 1, ERROR_CODE_EXPIRED 2, ERROR_CODE_FORBIDDEN 3,
    ERROR_CODE_NOT_FOUND 4, ERROR_CODE_TOO_LARGE 5, ERROR_CODE_STORAGE 6, ERROR_CODE_TIMEOUT 7`,
  "mio.v1.MessageRelation.Kind": "KIND_UNSPECIFIED 0, KIND_REPLY 1, KIND_EDIT 2, KIND_DELETE 3, KIND_REACTION 4, KIND_PIN 5",
  "mio.v1.Interaction.Kind": "KIND_UNSPECIFIED 0, KIND_BUTTON 1, KIND_SLASH_COMMAND 2, KIND_MODAL_SUBMIT 3, KIND_MENU 4",
  "mio.v1.StreamChunk.Mode": "MODE_UNSPECIFIED 0, MODE_APPEND 1, MODE_REPLACE 2",
  "mio.v1.DeliveryReceipt.State": `STATE_UNSPECIFIED 0, STATE_ACCEPTED 1, STATE_SENT 2, STATE_FAILED 3, STATE_EXPIRED 4,
    STATE_CANCELLED 5, STATE_UNKNOWN 6`,
  "mio.v1.RichButton.Style": "STYLE_UNSPECIFIED 0, STYLE_PRIMARY 1, STYLE_DANGER 2, STYLE_NEUTRAL 3",
  "mio.v1.RichButtonAction.Kind": `KIND_UNSPECIFIED 0, KIND_OPEN_URL 1, KIND_PREVIEW_URL 2, KIND_COPY 3,
    KIND_INVOKE_FUNCTION 4`,
  "mio.edge.v1.OAuthAnswer.Outcome": `OUTCOME_UNSPECIFIED 0, OUTCOME_CONNECTED 1, OUTCOME_DENIED 2, OUTCOME_EXPIRED 3,
    OUTCOME_USED 4, OUTCOME_UNKNOWN 5, OUTCOME_IN_PROGRESS 6, OUTCOME_UNAVAILABLE 7, OUTCOME_REJECTED 8, OUTCOME_TAKEN 9,
    OUTCOME_NOT_OFFERED 10`,
  "mio.v1.Presence.State": "STATE_UNSPECIFIED 0, STATE_ONLINE 1, STATE_AWAY 2, STATE_OFFLINE 3, STATE_TYPING 4",
};

/** RPCs of mio.admin.v1.AdminService, in any order. Their types are <name>Request and <name>Response. */
const unaryRpcs = `CreateTenant ListTenants GetTenant ListChannelTypes StartInstall CompleteInstall GetAccount UpdateAccount
  SetRateLimit GetCredentialMetadata ListAccounts DisableAccount RotateCredential GetWebhookInfo GetStreamHealth`;
const serverStreamRpcs = "TailMessages";

describe("the wire", () => {
  const descs = files.flatMap((file) => file.messages.flatMap(withNested));
  const enumDescs = [...files.flatMap((file) => file.enums), ...descs.flatMap((desc) => desc.nestedEnums)];

  it.each(Object.keys(messages))("keeps every field of %s", (typeName) => {
    const desc = descs.find((candidate) => candidate.typeName === typeName);
    expect(desc && fieldsOf(desc)).toEqual(listed(messages[typeName] ?? ""));
  });

  it.each(Object.keys(enums))("keeps every value of %s", (typeName) => {
    const desc = enumDescs.find((candidate) => candidate.typeName === typeName);
    expect(desc && valuesOf(desc)).toEqual(listed(enums[typeName] ?? ""));
  });

  it("has no message and no enum beside the table", () => {
    expect(descs.map((desc) => desc.typeName).sort()).toEqual(Object.keys(messages).sort());
    expect(enumDescs.map((desc) => desc.typeName).sort()).toEqual(Object.keys(enums).sort());
  });

  it("keeps every RPC with its types and its direction", () => {
    const services = files.flatMap((file) => file.services);
    expect(services.map((service) => service.typeName)).toEqual(["mio.admin.v1.AdminService"]);
    const expected = [
      ...unaryRpcs.split(/\s+/).map((name) => rpcLine(name, "unary")),
      ...serverStreamRpcs.split(/\s+/).map((name) => rpcLine(name, "server_streaming")),
    ];
    expect(expected).toHaveLength(16);
    expect(services.flatMap(rpcsOf).sort()).toEqual(expected.sort());
  });

  it("keeps proto3 in every file, and its packages", () => {
    expect(files.map((file) => file.proto.syntax)).toEqual(files.map(() => "proto3"));
    expect([...new Set(files.map((file) => file.proto.package))].sort()).toEqual(["mio.admin.v1", "mio.edge.v1", "mio.v1"]);
  });

  it("keeps a field's JSON name the camel case of its name, so that protojson of any language agrees", () => {
    const odd = descs
      .flatMap((desc) => desc.fields)
      .filter((field) => field.jsonName !== field.name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()));
    expect(odd.map(String)).toEqual([]);
  });
});

function listed(text: string): string[] {
  return text === "" ? [] : text.split(/,\s+/);
}

function withNested(desc: DescMessage): DescMessage[] {
  return [desc, ...desc.nestedMessages.flatMap(withNested)];
}

function fieldsOf(desc: DescMessage): string[] {
  const reserved = desc.proto.reservedRange.flatMap(({ start, end }) =>
    Array.from({ length: end - start }, (_, index): [number, string] => [start + index, "reserved"]),
  );
  const fields = desc.fields.map((field): [number, string] => [field.number, `${field.name} ${typeOf(field)}${oneofOf(field)}`]);
  return [...fields, ...reserved].sort(([a], [b]) => a - b).map(([number, rest]) => `${number} ${rest}`);
}

function typeOf(field: DescField): string {
  switch (field.fieldKind) {
    case "scalar":
      return scalar(field.scalar);
    case "enum":
      return field.enum.typeName;
    case "message":
      return field.message.typeName;
    case "list":
      return `repeated ${field.message?.typeName ?? field.enum?.typeName ?? scalar(field.scalar)}`;
    case "map":
      return `map<${scalar(field.mapKey)},${field.message?.typeName ?? field.enum?.typeName ?? scalar(field.scalar)}>`;
  }
}

function scalar(type: ScalarType | undefined): string {
  return type === undefined ? "nothing" : (ScalarType[type] ?? "nothing").toLowerCase();
}

function oneofOf(field: DescField): string {
  return field.oneof ? ` in ${field.oneof.name}` : "";
}

function valuesOf(desc: DescEnum): string[] {
  return desc.values.map((value) => `${value.name} ${value.number}`).sort(byTrailingNumber);
}

function byTrailingNumber(a: string, b: string): number {
  return Number(a.split(" ")[1]) - Number(b.split(" ")[1]);
}

function rpcLine(name: string, kind: string): string {
  return `${name} mio.admin.v1.${name}Request mio.admin.v1.${name}Response ${kind}`;
}

function rpcsOf(service: DescService): string[] {
  return service.methods.map(
    ({ name, input, output, methodKind }) => `${name} ${input.typeName} ${output.typeName} ${methodKind}`,
  );
}
