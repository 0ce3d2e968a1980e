-- The identity of every event that came in: seen and published are two facts, written apart, so that a crash between them is finished
-- and not forgotten. Partitioned by the event's own day, so that old days leave by dropping a table.

create table ingress_keys (
  -- UTC day of the platform's own time; 0001-01-01 where the platform gives none.
  event_day date not null,
  account_id uuid not null,
  source_message_id text not null,
  tenant_id uuid not null,
  channel_type text not null,
  conversation_id uuid not null,
  conversation_external_id text not null,
  sender_external_id text not null,
  message_id uuid not null,
  -- Where it was first seen on the ingress stream.
  ingress_generation bigint not null,
  ingress_sequence bigint not null,
  ingress_index int not null,
  -- Where it stands on MESSAGES_INBOUND, when this is known: an index person -> sequence for erasure.
  inbound_sequence bigint,
  seen_at timestamptz not null default now(),
  -- Null: seen, and not known to be published. Also set when it was given to the dead letters instead.
  published_at timestamptz,
  primary key (event_day, account_id, source_message_id)
) partition by range (event_day);

create index ingress_keys_unpublished on ingress_keys (seen_at) where published_at is null;
create index ingress_keys_person on ingress_keys (account_id, sender_external_id);

create table ingress_keys_undated partition of ingress_keys for values from ('0001-01-01') to ('0001-01-02');
create index ingress_keys_undated_age on ingress_keys_undated (seen_at);

-- Makes the partition of one day. Callers at once are safe: one makes it, the others find it.
create function ensure_ingress_day(day date) returns void language plpgsql as $$
declare
  partition_name text := 'ingress_keys_' || to_char(day, 'YYYYMMDD');
begin
  if to_regclass(partition_name) is not null then
    return;
  end if;
  perform pg_advisory_xact_lock(hashtext('ingress_keys'));
  -- Attaching an own table locks the parent less than "partition of" does.
  execute format('create table %I (like ingress_keys including all)', partition_name);
  execute format('alter table ingress_keys attach partition %I for values from (%L) to (%L)', partition_name, day, day + 1);
exception
  -- Somebody made it while this one waited.
  when duplicate_table or unique_violation then
    return;
end $$;
