-- What was answered to requests with an Idempotency-Key, for a day. The answer is committed with what the request did.

create table idempotency_keys (
  id bytea primary key,
  fingerprint bytea not null,
  status smallint not null,
  location text,
  body text not null,
  created_at timestamptz default now() not null,
  pending_until timestamptz
);
-- Pruning goes along it: the primary key is a hash, which tells nothing of age.
create index idempotency_keys_created_at on idempotency_keys (created_at);
