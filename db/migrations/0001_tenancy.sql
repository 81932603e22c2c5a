-- Tenants, users, sessions, login attempts, API keys and the audit log.

revoke all on schema public from public;
grant usage on schema public to massacorp_api, massacorp_platform, massacorp_wgd, massacorp_lookup;
-- Nobody may call a function that was not granted to them.
alter default privileges revoke execute on functions from public;

create function current_tenant_id() returns integer
  language sql stable parallel safe
  set search_path = pg_catalog, pg_temp
  as $$ select nullif(current_setting('app.tenant_id', true), '')::integer $$;
comment on function current_tenant_id() is
  'The tenant of this transaction, or null. After a transaction-local setting ended PostgreSQL answers an empty string, hence nullif. Call it in a scalar sub-select, so that it runs once a query.';
grant execute on function current_tenant_id() to massacorp_api, massacorp_platform;

create function touch_updated_at() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
  as $$ begin new.updated_at := now(); return new; end $$;
comment on function touch_updated_at() is 'Keeps updated_at true on every update.';

-- tenants ---------------------------------------------------------------------------------------------------

create table tenants (
  id integer generated always as identity,
  slug text not null,
  name text not null,
  status text not null default 'active',
  is_platform boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint tenants_pkey primary key (id),
  constraint tenants_slug_is_taken unique (slug),
  constraint tenants_slug_is_a_dns_label check (slug ~ '^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$'),
  constraint tenants_name_is_printable check (name ~ '^[^[:cntrl:]]{1,200}$'),
  constraint tenants_status_is_known check (status in ('active', 'suspended')),
  constraint tenants_platform_is_never_suspended check (not is_platform or status = 'active')
);
comment on table tenants is 'A company. Everything else belongs to exactly one.';
comment on column tenants.slug is 'Its name in URLs and headers. Begins with a letter, so that it is never mistaken for an id.';
comment on column tenants.status is 'suspended: nobody logs in, and no peer of it is on the interface.';
comment on column tenants.is_platform is 'The one tenant of the operators, made at the first start.';
create unique index tenants_have_one_platform on tenants (is_platform) where is_platform;

alter table tenants enable row level security;
alter table tenants force row level security;
create policy tenants_api on tenants to massacorp_api
  using (id = (select current_tenant_id()));
create policy tenants_platform on tenants to massacorp_platform using (true) with check (true);
create policy tenants_wgd on tenants for select to massacorp_wgd using (true);
create policy tenants_lookup on tenants for select to massacorp_lookup using (true);
grant select on tenants to massacorp_api, massacorp_platform;
grant insert (slug, name, is_platform), update (name, status) on tenants to massacorp_platform;
grant select (id, status) on tenants to massacorp_wgd;
grant select (id, slug) on tenants to massacorp_lookup;
create trigger tenants_touch before update on tenants for each row execute function touch_updated_at();

-- users -----------------------------------------------------------------------------------------------------

create table users (
  tenant_id integer not null,
  id integer generated always as identity,
  email text not null,
  name text not null default '',
  password_hash text not null,
  status text not null default 'active',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint users_pkey primary key (tenant_id, id),
  constraint users_email_is_taken unique (tenant_id, email),
  constraint users_tenant_exists foreign key (tenant_id) references tenants (id) on delete restrict,
  constraint users_email_is_normalised check (email = lower(email) and email ~ '^[^@[:space:][:cntrl:]]{1,64}@[^@[:space:][:cntrl:]]{1,189}$'),
  constraint users_name_is_printable check (name ~ '^[^[:cntrl:]]{0,200}$'),
  constraint users_password_is_hashed check (password_hash like '$argon2id$%'),
  constraint users_status_is_known check (status in ('active', 'inactive'))
);
comment on table users is 'A person of one tenant. The same address in two tenants is two users.';
comment on column users.email is 'Lower case; normalised once, where it comes in.';
comment on column users.password_hash is 'Argon2id in PHC form; the parameters stand in it.';
comment on column users.status is 'inactive: no log-in, every session ended, no peer on the interface.';

alter table users enable row level security;
alter table users force row level security;
create policy users_api on users to massacorp_api
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
create policy users_platform on users to massacorp_platform
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
create policy users_wgd on users for select to massacorp_wgd using (true);
grant select on users to massacorp_api, massacorp_platform;
grant insert (tenant_id, email, name, password_hash) on users to massacorp_api, massacorp_platform;
grant update (email, name, password_hash, status) on users to massacorp_api;
grant select (tenant_id, id, status) on users to massacorp_wgd;
create trigger users_touch before update on users for each row execute function touch_updated_at();

-- sessions --------------------------------------------------------------------------------------------------

create table sessions (
  tenant_id integer not null,
  id uuid not null,
  user_id integer not null,
  refresh_counter integer not null default 0,
  refresh_rotated_at timestamptz not null,
  refresh_expires_at timestamptz not null,
  created_at timestamptz not null,
  last_seen_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at timestamptz,
  ended_reason text,
  stepped_up_at timestamptz,
  peer_id uuid,
  address inet,
  user_agent text not null default '',
  constraint sessions_pkey primary key (tenant_id, id),
  constraint sessions_user_exists foreign key (tenant_id, user_id)
    references users (tenant_id, id) on delete cascade,
  constraint sessions_refresh_counter_counts_up check (refresh_counter >= 0),
  constraint sessions_refresh_ends_with_the_session check (refresh_expires_at <= expires_at),
  constraint sessions_last_at_most_30_days check (expires_at <= created_at + interval '30 days'),
  constraint sessions_end_has_a_reason check ((ended_at is null) = (ended_reason is null)),
  constraint sessions_ended_reason_is_known check (
    ended_reason in ('logout', 'refresh_reuse', 'terminated', 'password_changed', 'deactivated')
  ),
  constraint sessions_user_agent_is_cut check (char_length(user_agent) <= 256)
);
comment on table sessions is 'A log-in on a device, and the state of its refresh tokens. No token is stored: a refresh token names the session and its counter, and the current one is minted again from this row.';
comment on column sessions.refresh_counter is 'The counter of the newest refresh token.';
comment on column sessions.refresh_rotated_at is 'When the newest refresh token was made, which is when its parent was presented.';
comment on column sessions.refresh_expires_at is 'When the newest refresh token ends, unless it is rotated before.';
comment on column sessions.expires_at is 'The absolute end; rotation does not move it.';
comment on column sessions.stepped_up_at is 'When the user last showed the strongest factor that he has: the second one, or the password where he has no second.';
comment on column sessions.peer_id is 'The peer it was opened through, as a record; not a foreign key, because peers go.';
create index sessions_of_a_user on sessions (tenant_id, user_id) where ended_at is null;

alter table sessions enable row level security;
alter table sessions force row level security;
create policy sessions_api on sessions to massacorp_api
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
grant select, insert on sessions to massacorp_api;
grant update (refresh_counter, refresh_rotated_at, refresh_expires_at, last_seen_at, stepped_up_at, ended_at, ended_reason)
  on sessions to massacorp_api;

-- login attempts --------------------------------------------------------------------------------------------

create table login_attempts (
  tenant_id integer not null,
  id bigint generated always as identity,
  identifier_digest bytea not null,
  source text not null,
  outcome text not null,
  at timestamptz not null,
  constraint login_attempts_pkey primary key (tenant_id, id),
  constraint login_attempts_tenant_exists foreign key (tenant_id) references tenants (id) on delete cascade,
  constraint login_attempts_identifier_is_a_sha256 check (octet_length(identifier_digest) = 32),
  constraint login_attempts_source_is_short check (char_length(source) between 1 and 64),
  constraint login_attempts_outcome_is_known check (outcome in ('succeeded', 'failed', 'locked'))
);
comment on table login_attempts is 'Every log-in tried, whether the account exists or not.';
comment on column login_attempts.identifier_digest is 'HMAC-SHA-256 of the submitted identifier, so that a dump lists nobody who mistyped.';
comment on column login_attempts.source is 'The peer the attempt came through, or the listener where there is no peer. Locks bind account and source together.';
create index login_attempts_of_an_account on login_attempts (tenant_id, identifier_digest, source, at);

alter table login_attempts enable row level security;
alter table login_attempts force row level security;
create policy login_attempts_api on login_attempts to massacorp_api
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
grant select, insert on login_attempts to massacorp_api;

-- API keys --------------------------------------------------------------------------------------------------

create table api_keys (
  tenant_id integer not null,
  id uuid not null,
  user_id integer not null,
  prefix text not null,
  secret_digest bytea not null,
  created_at timestamptz not null default now(),
  constraint api_keys_pkey primary key (tenant_id, id),
  constraint api_keys_prefix_is_taken unique (prefix),
  constraint api_keys_user_exists foreign key (tenant_id, user_id)
    references users (tenant_id, id) on delete cascade,
  constraint api_keys_prefix_is_random check (prefix ~ '^[A-Za-z0-9]{12}$'),
  constraint api_keys_secret_is_a_sha256 check (octet_length(secret_digest) = 32)
);
comment on table api_keys is 'Keys for machines. No operation writes it yet; the look-up by prefix is laid with the other two.';
comment on column api_keys.prefix is 'Random and public part of the key; unique across tenants because it is what finds the tenant.';

alter table api_keys enable row level security;
alter table api_keys force row level security;
create policy api_keys_api on api_keys to massacorp_api
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
create policy api_keys_lookup on api_keys for select to massacorp_lookup using (true);
grant select on api_keys to massacorp_api;
grant select (tenant_id, id, user_id, prefix) on api_keys to massacorp_lookup;

-- audit -----------------------------------------------------------------------------------------------------

create table audit_log (
  tenant_id integer not null,
  id bigint generated always as identity,
  at timestamptz not null default clock_timestamp(),
  actor text not null,
  actor_user_id integer,
  action text not null,
  outcome text not null,
  target_type text,
  target_id text,
  request_id text,
  peer_id uuid,
  address inet,
  details jsonb not null default '{}',
  constraint audit_log_pkey primary key (tenant_id, id),
  constraint audit_log_tenant_exists foreign key (tenant_id) references tenants (id) on delete restrict,
  constraint audit_log_actor_is_known check (actor in ('user', 'operator', 'daemon', 'anonymous')),
  constraint audit_log_user_actor_has_an_id check (actor <> 'user' or actor_user_id is not null),
  constraint audit_log_action_is_dotted check (action ~ '^[a-z_]+(\.[a-z_]+)+$'),
  constraint audit_log_outcome_is_known check (outcome in ('succeeded', 'refused', 'failed')),
  constraint audit_log_details_are_an_object check (jsonb_typeof(details) = 'object')
);
comment on table audit_log is 'What happened, written in the transaction of the change itself. The application roles can only insert.';
comment on column audit_log.actor_user_id is 'No foreign key: an entry outlives its user.';

alter table audit_log enable row level security;
alter table audit_log force row level security;
create policy audit_log_api on audit_log for insert to massacorp_api, massacorp_platform
  with check (tenant_id = (select current_tenant_id()));
create policy audit_log_wgd on audit_log for insert to massacorp_wgd with check (actor = 'daemon');
grant insert (tenant_id, actor, actor_user_id, action, outcome, target_type, target_id, request_id, peer_id, address, details)
  on audit_log to massacorp_api, massacorp_platform, massacorp_wgd;
