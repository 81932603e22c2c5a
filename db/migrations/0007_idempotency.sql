-- What a client may repeat after a lost answer.

create table idempotency_keys (
  tenant_id integer not null,
  principal text not null,
  key text not null,
  request_digest bytea not null,
  resource_id text,
  created_at timestamptz not null,
  constraint idempotency_keys_pkey primary key (tenant_id, principal, key),
  constraint idempotency_keys_tenant_exists foreign key (tenant_id) references tenants (id) on delete cascade,
  constraint idempotency_keys_principal_is_known check (principal ~ '^(operator|user:[0-9]+)$'),
  constraint idempotency_keys_key_is_printable check (key ~ '^[!-~]{1,255}$'),
  constraint idempotency_keys_request_is_a_sha256 check (octet_length(request_digest) = 32)
);
comment on table idempotency_keys is 'Idempotency-Key headers of the last day, with what the request made. Answers are not kept, because they hold secrets.';
comment on column idempotency_keys.request_digest is 'SHA-256 of method, path and body: the same key with another request is a mistake.';
comment on column idempotency_keys.resource_id is 'What was made; set before the transaction of the creation commits.';
create index idempotency_keys_by_age on idempotency_keys (tenant_id, created_at);

alter table idempotency_keys enable row level security;
alter table idempotency_keys force row level security;
create policy idempotency_keys_api on idempotency_keys to massacorp_api
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
grant select, delete on idempotency_keys to massacorp_api;
grant insert (tenant_id, principal, key, request_digest, created_at), update (resource_id) on idempotency_keys
  to massacorp_api;
