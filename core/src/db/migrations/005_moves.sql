-- Moving an account's conversations to another number of shards or another region.

alter table accounts
  -- Where its conversations may have been before: [{"region": "eu", "shard_count": 2}, ...], oldest first. Empty when it was never moved.
  add column previous_layouts jsonb not null default '[]',
  -- When the present layout was made; null for the first.
  add column moved_at timestamptz;

-- Which edges bring an account's events: a move is over when each of them has closed the older layouts.
create table account_edges (
  account_id uuid not null,
  -- The edge's own region.
  edge text not null,
  seen_at timestamptz not null default now(),
  primary key (account_id, edge)
);

-- Dedup has finished all that this shard's uplink at this edge took for the account before this generation of its layout.
create table layout_closings (
  account_id uuid not null,
  generation bigint not null,
  region text not null,
  shard int not null,
  edge text not null,
  closed_at timestamptz not null default now(),
  primary key (account_id, generation, region, shard, edge)
);
