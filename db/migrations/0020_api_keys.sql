-- API keys: for machines, in the name of the user who made them.

alter table api_keys
  add column name text not null,
  add column expires_at timestamptz,
  add column revoked_at timestamptz,
  add column rate_limit integer,
  add column allowed_peers uuid[],
  add column previous_secret_digest bytea,
  add column previous_secret_until timestamptz,
  add column last_used_at timestamptz,
  add constraint api_keys_name_is_printable check (name ~ '^[^[:cntrl:]]{1,64}$'),
  add constraint api_keys_end_after_they_begin check (expires_at > created_at),
  add constraint api_keys_rate_limit_counts_requests check (rate_limit between 1 and 1000000),
  add constraint api_keys_peers_are_bounded check (cardinality(allowed_peers) between 1 and 64),
  add constraint api_keys_previous_secret_is_a_sha256 check (octet_length(previous_secret_digest) = 32),
  add constraint api_keys_previous_secret_ends check ((previous_secret_digest is null) = (previous_secret_until is null));
comment on table api_keys is 'Keys for machines. A key acts for the user who made it, within its scopes and never beyond what that user may do at the moment.';
comment on column api_keys.allowed_peers is 'The peers it may come through, and no other way; null for any of its tenant. A record, not foreign keys: peers go.';
comment on column api_keys.rate_limit is 'Requests a minute, below the limit of all; null for that one.';
comment on column api_keys.previous_secret_digest is 'What a rotation replaced, good until previous_secret_until.';
comment on column api_keys.last_used_at is 'Written in batches: true to some seconds.';
create index api_keys_of_a_user on api_keys (tenant_id, user_id);
grant insert (tenant_id, id, user_id, name, prefix, secret_digest, created_at, expires_at, rate_limit, allowed_peers),
  update (secret_digest, previous_secret_digest, previous_secret_until, revoked_at, last_used_at)
  on api_keys to massacorp_api;

create table api_key_scopes (
  tenant_id integer not null,
  api_key_id uuid not null,
  permission text not null,
  platform boolean generated always as (false) stored,
  constraint api_key_scopes_pkey primary key (tenant_id, api_key_id, permission),
  constraint api_key_scopes_key_exists foreign key (tenant_id, api_key_id)
    references api_keys (tenant_id, id) on delete cascade,
  constraint api_key_scopes_are_of_a_tenant foreign key (permission, platform)
    references permissions (name, platform) on delete cascade
);
comment on table api_key_scopes is 'What a key may do, as far as its maker may do it himself at that moment.';
comment on column api_key_scopes.platform is 'Always false: no key reaches beyond its tenant.';

alter table api_key_scopes enable row level security;
alter table api_key_scopes force row level security;
create policy api_key_scopes_api on api_key_scopes to massacorp_api
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
grant select, insert (tenant_id, api_key_id, permission) on api_key_scopes to massacorp_api;

create table api_key_usage (
  tenant_id integer not null,
  api_key_id uuid not null,
  day date not null,
  endpoint text not null,
  requests bigint not null,
  errors bigint not null,
  constraint api_key_usage_pkey primary key (tenant_id, api_key_id, day, endpoint),
  constraint api_key_usage_key_exists foreign key (tenant_id, api_key_id)
    references api_keys (tenant_id, id) on delete cascade,
  constraint api_key_usage_endpoint_is_bounded check (char_length(endpoint) between 1 and 200),
  constraint api_key_usage_counts_up check (requests >= errors and errors >= 0)
);
comment on table api_key_usage is 'Requests by key, day (UTC) and operation, written in batches. Kept for 90 days.';
comment on column api_key_usage.errors is 'Of the requests, those that were answered with 4xx or 5xx.';

alter table api_key_usage enable row level security;
alter table api_key_usage force row level security;
create policy api_key_usage_api on api_key_usage to massacorp_api
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
grant select, insert (tenant_id, api_key_id, day, endpoint, requests, errors), update (requests, errors), delete
  on api_key_usage to massacorp_api;

alter table audit_log
  drop constraint audit_log_actor_is_known,
  add constraint audit_log_actor_is_known check (actor in ('user', 'api_key', 'operator', 'daemon', 'anonymous')),
  drop constraint audit_log_user_actor_has_an_id,
  add constraint audit_log_user_actor_has_an_id check (actor not in ('user', 'api_key') or actor_user_id is not null);

alter table idempotency_keys
  drop constraint idempotency_keys_principal_is_known,
  add constraint idempotency_keys_principal_is_known check (principal ~ '^(operator|user:[0-9]+|api_key:[0-9a-f-]{36})$');
