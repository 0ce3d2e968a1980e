-- Secrets of accounts sealed at rest. No index, and so no error of one, holds a value: the same secret is known by its HMAC.

-- The old key's index held the values themselves.
alter table account_secrets drop constraint account_secrets_pkey;

alter table account_secrets
  add column id bigint generated always as identity primary key,
  -- Which key sealed it: its id, and a fingerprint.
  add column key_name text,
  -- AES-256-GCM: nonce, ciphertext, tag. Its additional data are tenant, account, purpose, scheme and key.
  add column sealed bytea,
  -- HMAC-SHA-256 of purpose, scheme and value under the pepper.
  add column value_index bytea,
  -- Plain: written by an older version, and emptied when a service of this one seals it at its start.
  alter column value drop not null,
  add constraint account_secrets_sealed_or_plain check (
    case when value is null then num_nonnulls(key_name, sealed, value_index) = 3
         else num_nonnulls(key_name, sealed, value_index) = 0 end);

create unique index account_secrets_same on account_secrets (account_id, purpose, scheme, value_index);
create index account_secrets_plain on account_secrets (id) where value is not null;

-- What the HMACs are made under, itself sealed. One row at most.
create table secret_pepper (
  only_one boolean primary key default true check (only_one),
  key_name text not null,
  sealed bytea not null
);
