-- Who uses the gateway: tenants, their accounts on platforms, and what verifies and sends for an account.

create table tenants (
  id uuid primary key,
  slug text not null unique check (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  display_name text not null,
  created_at timestamptz not null default now(),
  disabled_at timestamptz
);

-- Versions grow over all rows, so the edge can refuse an older value of any route.
create sequence directory_row_version;

create table accounts (
  id uuid primary key,
  tenant_id uuid not null references tenants (id),
  channel_type text not null,
  provider text not null default '',
  external_id text not null,
  display_name text not null,
  -- Channel settings by name: the bot's own ids, the platform's base URL. Never secrets.
  settings jsonb not null default '{}',
  -- Null: the channel's own default.
  rate_limit_per_second int check (rate_limit_per_second > 0),
  rate_limit_scope text not null default 'account',
  home_region text not null default 'local',
  shard_count int not null default 2 check (shard_count between 1 and 1024),
  shard_generation bigint not null default 1,
  row_version bigint not null default nextval('directory_row_version'),
  created_at timestamptz not null default now(),
  disabled_at timestamptz,
  unique (tenant_id, channel_type, external_id)
);

-- One workspace on a platform's shared URL belongs to one live account: an unmatched workspace is never somebody else's.
create unique index accounts_workspace on accounts (channel_type, external_id) where disabled_at is null;

create table account_secrets (
  account_id uuid not null references accounts (id),
  -- verification: checks webhooks. credential: sends.
  purpose text not null check (purpose in ('verification', 'credential')),
  scheme text not null,
  value text not null,
  created_at timestamptz not null default now(),
  -- Both old and new are valid until here while a rotation overlaps; null: until replaced.
  not_after timestamptz,
  primary key (account_id, purpose, scheme, value)
);
