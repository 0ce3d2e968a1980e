-- Workspaces that are being connected by their own people: one row a link that an operator gave out.

create table installs (
  id uuid primary key,
  tenant_id uuid not null references tenants (id),
  channel_type text not null,
  -- SHA-256 of the state that the platform hands back: reading this table lets nobody connect anything.
  state_hash bytea not null unique,
  redirect_uri text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  -- Set by the one update that uses the state up; taken back when the platform could not be asked.
  used_at timestamptz,
  -- SHA-256 of the code that used it: the same code again is the same person, who reloads the page.
  code_hash bytea,
  -- Null: nothing came of it yet. A denial uses nothing up.
  result text check (result in ('connected', 'denied', 'rejected', 'taken')),
  -- The platform's code or ours, for an operator. Nobody's text.
  reason text not null default '',
  -- As people at the platform named it.
  workspace_name text not null default '',
  account_id uuid references accounts (id),
  finished_at timestamptz
);

create index installs_by_tenant on installs (tenant_id, created_at);

-- refresh: renews a credential that ends by itself.
alter table account_secrets drop constraint account_secrets_purpose_check;
alter table account_secrets add constraint account_secrets_purpose_check
  check (purpose in ('verification', 'credential', 'refresh'));
