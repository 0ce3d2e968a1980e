-- Who changed what, in the transaction of the change. Ids and names of fields: nobody's text, and no value.

create table audit (
  -- From 1, without gaps.
  sequence bigint primary key check (sequence > 0),
  at timestamptz not null,
  actor_kind text not null,
  actor_id text not null,
  noun text not null,
  verb text not null,
  -- Empty where none is concerned.
  tenant_id text not null,
  account_id text not null,
  subject_id text not null,
  fields text[] not null,
  -- SHA-256 over the hash of the row before and this row's own content: a row that is changed, removed or moved breaks the chain.
  hash bytea not null
);

-- Also for whoever owns the table, who would otherwise need no right to it.
create function refuse_audit_change() returns trigger language plpgsql as $$
begin
  raise exception 'rows of audit are never changed or removed';
end $$;
create trigger audit_stays before update or delete or truncate on audit for each statement execute function refuse_audit_change();

-- Services may be a role that owns no table (grant-services.ts): days of keys are then made and dropped for them.
alter function ensure_ingress_day(date) security definer set search_path from current;
create function drop_ingress_day(partition_name text) returns void language plpgsql security definer set search_path from current as $$
begin
  if partition_name !~ '^ingress_keys_[0-9]{8}$' then
    raise exception 'no day of keys: %', partition_name;
  end if;
  execute format('drop table %I', partition_name);
end $$;
