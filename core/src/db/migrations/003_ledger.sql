-- The sender's ledger: every command that the bus has forgotten stands here until it has ended, and its receipts until they are published.
-- Ids are text, not uuid: rows are also written for commands that nobody could decode, with whatever their subject said.

-- Who may do what: 'sender.intake', 'sender.accounts', 'sender.outbox'. A rate domain of its own would be one more name. The epoch grows with every
-- owner and is checked in the statements that only an owner may run.
create table sender_leases (
  name text primary key,
  owner text not null,
  epoch bigint not null,
  expires_at timestamptz not null
);

-- How far intake has read. A stream that was made anew counts from 1 again: its creation time tells, and the epoch keeps lanes in order.
create table sender_intake (
  stream text primary key,
  stream_created text not null,
  stream_epoch int not null default 1,
  position bigint not null default 0,
  lost_unread bigint not null default 0
);

create table sender_commands (
  id text primary key,
  tenant_id text not null,
  account_id text not null,
  channel_type text not null,
  conversation_id text not null,
  conversation_external_id text not null,
  -- The persons that a command concerns. A SendCommand names none yet, so no statement fills these: they wait for erasure, which until
  -- then finds a person's commands by cause_message_id.
  sender_external_id text not null default '',
  recipient_external_id text not null default '',
  stream_epoch int not null,
  stream_sequence bigint not null,
  state text not null check (state in ('queued', 'sending', 'sent', 'failed', 'expired', 'cancelled', 'unknown')),
  -- Encoded SendCommand; for what could not be decoded, the bytes as they came.
  content bytea not null,
  content_sha256 bytea not null,
  -- How often the same id came again with other content. The first is kept.
  differing_contents int not null default 0,
  -- Set once planned: the calls that a long text takes, as JSON. Part n is sent when external_ids has more than n entries.
  calls text,
  external_ids text[] not null default '{}',
  message_ids text[] not null default '{}',
  -- Calls of the platform; being told to wait is none. Failures in a row decide when to give up.
  attempts int not null default 0,
  failures int not null default 0,
  first_failed_at timestamptz,
  next_attempt_at timestamptz,
  -- The attempt that is in its call, and when that call has certainly ended.
  attempt_id text,
  attempt_deadline timestamptz,
  error_code text not null default '',
  error_text text not null default '',
  cause_message_id text not null default '',
  -- `message:<id>` or `external:<id>` of what an edit is about.
  edit_of text not null default '',
  cancel_of text not null default '',
  retry_of text not null default '',
  traceparent text not null default '',
  not_before timestamptz,
  expires_at timestamptz,
  accepted_at timestamptz not null default now(),
  finished_at timestamptz,
  -- One row a message of the bus, however often it is delivered.
  unique (stream_epoch, stream_sequence)
);

create index sender_commands_lane on sender_commands (account_id, conversation_id, stream_epoch, stream_sequence)
  where state in ('queued', 'sending');
create index sender_commands_expiry on sender_commands (expires_at) where state = 'queued' and expires_at is not null;
create index sender_commands_open on sender_commands (stream_epoch, stream_sequence) where state in ('queued', 'sending');
create index sender_commands_unknown on sender_commands (account_id) where state = 'unknown';
-- From a Message id that a receipt gave to the command that it came from. Without the pending list, which every look-up would have to read through.
create index sender_commands_messages on sender_commands using gin (message_ids) with (fastupdate = off) where state = 'sent';

-- Decided and published are two facts. publish_sequence is drawn by the one publisher, not here: rows of two transactions may become visible
-- in another order than their ids, and the bus takes "at or past ours" for "published".
create table sender_outbox (
  id bigint generated always as identity primary key,
  command_id text not null references sender_commands (id) on delete cascade,
  kind text not null check (kind in ('accepted', 'final', 'dead_letter')),
  -- Where the receipt goes; of a dead letter, where the message stood.
  subject text not null,
  decided_at timestamptz not null default now(),
  publish_sequence bigint,
  published_at timestamptz,
  -- One accepted, one final receipt, one dead letter: never a second.
  unique (command_id, kind)
);
-- One block of numbers a claim.
create sequence sender_publish_sequence increment by 1000;
create index sender_outbox_unpublished on sender_outbox (publish_sequence, id) where published_at is null;

-- What the platform said about an account's pace, so that a new owner does not have to hear it again.
create table sender_budgets (
  account_id text primary key,
  blocked_until timestamptz not null
);
