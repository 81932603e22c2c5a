-- The second factor: its secret, recovery codes, what was tried, log-ins between their two steps, trusted devices.

-- Who must have one ------------------------------------------------------------------------------------------

alter table tenants
  add column mfa_required text not null default 'off',
  add column mfa_trusted_devices boolean not null default true,
  add constraint tenants_mfa_required_is_known check (mfa_required in ('off', 'admins', 'all'));
comment on column tenants.mfa_required is 'Of whom a second factor is demanded, beside the users and roles of whom it is demanded by themselves.';
comment on column tenants.mfa_trusted_devices is 'Whether a user may have a device trusted for 30 days; taken back, it takes back the trust in all.';
grant update (mfa_required, mfa_trusted_devices) on tenants to massacorp_api;

alter table users add column mfa_required boolean not null default false;
comment on column users.mfa_required is 'A second factor is demanded of this user, whatever tenant and roles say.';
grant update (mfa_required) on users to massacorp_api;

alter table roles add column mfa_required boolean not null default false;
comment on column roles.mfa_required is 'A second factor is demanded of whoever has the role. For those of the system the tenant says it.';
grant insert (mfa_required), update (mfa_required) on roles to massacorp_api;

create function mfa_required_of(of_user integer, at timestamptz) returns boolean
  language sql stable
  set search_path = pg_catalog, public, pg_temp
  as $$
    select coalesce((
      select u.mfa_required or t.mfa_required = 'all' or exists (
        select from user_roles h join roles r on r.tenant_id = h.tenant_id and r.id = h.role_id
        where h.tenant_id = u.tenant_id and h.user_id = u.id and (h.expires_at is null or h.expires_at > at)
          and (r.mfa_required or t.mfa_required = 'admins' and r.system in ('admin', 'superadmin'))
      )
      from users u join tenants t on t.id = u.tenant_id
      where u.tenant_id = (select current_tenant_id()) and u.id = of_user
    ), false)
  $$;
comment on function mfa_required_of(integer, timestamptz) is 'Whether a second factor is demanded of a user of the current tenant: by himself, by a role that he has at that moment, or by the tenant.';
grant execute on function mfa_required_of(integer, timestamptz) to massacorp_api;

-- Factors ----------------------------------------------------------------------------------------------------

create table mfa_factors (
  tenant_id integer not null,
  user_id integer not null,
  key_id text not null,
  sealed_secret bytea not null,
  enabled_at timestamptz not null,
  last_step bigint not null,
  constraint mfa_factors_pkey primary key (tenant_id, user_id),
  constraint mfa_factors_user_exists foreign key (tenant_id, user_id)
    references users (tenant_id, id) on delete cascade,
  constraint mfa_factors_key_is_named check (key_id ~ '^[0-9a-f]{16}$'),
  constraint mfa_factors_secret_is_sealed check (octet_length(sealed_secret) = 49),
  constraint mfa_factors_step_is_counted check (last_step >= 0)
);
comment on table mfa_factors is 'The TOTP secret (RFC 6238) of each user who has a second factor.';
comment on column mfa_factors.key_id is 'Which key sealed it. Part of the associated data, as the row is.';
comment on column mfa_factors.sealed_secret is '160 bits, AES-256-GCM.';
comment on column mfa_factors.last_step is 'The newest time step whose code was used: that one and all before it are used up.';

create function mfa_factors_use_up_steps() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if new.last_step < old.last_step then
    raise exception 'a code that was used stays used'
      using errcode = 'check_violation', constraint = 'mfa_factors_use_up_steps', table = 'mfa_factors';
  end if;
  return new;
end
$$;
comment on function mfa_factors_use_up_steps() is 'No update makes a used code good again.';
create trigger mfa_factors_use_up_steps before update on mfa_factors
  for each row execute function mfa_factors_use_up_steps();

alter table mfa_factors enable row level security;
alter table mfa_factors force row level security;
create policy mfa_factors_api on mfa_factors to massacorp_api
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
grant select, insert, update (key_id, sealed_secret, enabled_at, last_step), delete on mfa_factors to massacorp_api;

create table mfa_pending_factors (
  tenant_id integer not null,
  user_id integer not null,
  key_id text not null,
  sealed_secret bytea not null,
  started_at timestamptz not null,
  constraint mfa_pending_factors_pkey primary key (tenant_id, user_id),
  constraint mfa_pending_factors_user_exists foreign key (tenant_id, user_id)
    references users (tenant_id, id) on delete cascade,
  constraint mfa_pending_factors_key_is_named check (key_id ~ '^[0-9a-f]{16}$'),
  constraint mfa_pending_factors_secret_is_sealed check (octet_length(sealed_secret) = 49)
);
comment on table mfa_pending_factors is 'Secrets that were shown and not confirmed by a code yet: they protect nothing, and end after 15 minutes.';

alter table mfa_pending_factors enable row level security;
alter table mfa_pending_factors force row level security;
create policy mfa_pending_factors_api on mfa_pending_factors to massacorp_api
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
grant select, insert, update (key_id, sealed_secret, started_at), delete on mfa_pending_factors to massacorp_api;

create table mfa_recovery_codes (
  tenant_id integer not null,
  user_id integer not null,
  digest bytea not null,
  key_id text not null,
  used_at timestamptz,
  constraint mfa_recovery_codes_pkey primary key (tenant_id, user_id, digest),
  constraint mfa_recovery_codes_user_exists foreign key (tenant_id, user_id)
    references users (tenant_id, id) on delete cascade,
  constraint mfa_recovery_codes_key_is_named check (key_id ~ '^[0-9a-f]{16}$'),
  constraint mfa_recovery_codes_digest_is_a_sha256 check (octet_length(digest) = 32)
);
comment on table mfa_recovery_codes is 'Codes for whoever lost his second factor, each good once.';
comment on column mfa_recovery_codes.digest is 'HMAC-SHA-256 under a key that is not in the database: 40 bits alone could be tried through from a dump.';

alter table mfa_recovery_codes enable row level security;
alter table mfa_recovery_codes force row level security;
create policy mfa_recovery_codes_api on mfa_recovery_codes to massacorp_api
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
-- What was used stays so, by whatever statement.
create policy mfa_recovery_codes_api_uses_once on mfa_recovery_codes as restrictive for update to massacorp_api
  using (tenant_id = (select current_tenant_id()) and used_at is null)
  with check (tenant_id = (select current_tenant_id()));
grant select, insert (tenant_id, user_id, digest, key_id), update (used_at), delete on mfa_recovery_codes
  to massacorp_api;

-- What was tried ---------------------------------------------------------------------------------------------

create table mfa_attempts (
  tenant_id integer not null,
  user_id integer not null,
  way text not null,
  kind text not null,
  recent timestamptz[] not null default '{}',
  failures integer not null default 0,
  locked_until timestamptz,
  constraint mfa_attempts_pkey primary key (tenant_id, user_id, way, kind),
  constraint mfa_attempts_user_exists foreign key (tenant_id, user_id)
    references users (tenant_id, id) on delete cascade,
  constraint mfa_attempts_way_is_known check (way in ('own', 'other')),
  constraint mfa_attempts_kind_is_known check (kind in ('totp', 'recovery')),
  constraint mfa_attempts_recent_are_few check (cardinality(recent) <= 5),
  constraint mfa_attempts_failures_are_counted check (failures >= 0)
);
comment on table mfa_attempts is 'What was tried of late to pass as a user''s second factor, whichever operation it was tried at.';
comment on column mfa_attempts.way is 'own: through a peer that belongs to the user, which carries nobody else. Others can neither use up nor lock that way.';
comment on column mfa_attempts.recent is 'The attempts of the last minute.';
comment on column mfa_attempts.failures is 'In a row, without one that succeeded.';

alter table mfa_attempts enable row level security;
alter table mfa_attempts force row level security;
create policy mfa_attempts_api on mfa_attempts to massacorp_api
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
grant select, insert (tenant_id, user_id, way, kind), update (recent, failures, locked_until) on mfa_attempts
  to massacorp_api;

create table mfa_source_attempts (
  tenant_id integer not null,
  source text not null,
  kind text not null,
  recent timestamptz[] not null default '{}',
  last_at timestamptz not null,
  constraint mfa_source_attempts_pkey primary key (tenant_id, source, kind),
  constraint mfa_source_attempts_tenant_exists foreign key (tenant_id) references tenants (id) on delete cascade,
  constraint mfa_source_attempts_source_is_short check (char_length(source) between 1 and 64),
  constraint mfa_source_attempts_kind_is_known check (kind in ('totp', 'recovery')),
  constraint mfa_source_attempts_recent_are_few check (cardinality(recent) <= 5)
);
comment on table mfa_source_attempts is 'The same by where it came from, whoever it was tried for.';
comment on column mfa_source_attempts.source is 'The peer, or listener and address where there is none.';
create index mfa_source_attempts_by_age on mfa_source_attempts (tenant_id, last_at);

alter table mfa_source_attempts enable row level security;
alter table mfa_source_attempts force row level security;
create policy mfa_source_attempts_api on mfa_source_attempts to massacorp_api
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
create policy mfa_source_attempts_api_forgets on mfa_source_attempts as restrictive for delete to massacorp_api
  using (tenant_id = (select current_tenant_id()) and last_at < now() - interval '1 hour');
grant select, insert (tenant_id, source, kind, last_at), update (recent, last_at), delete on mfa_source_attempts
  to massacorp_api;

-- Log-ins between their two steps ----------------------------------------------------------------------------

create table login_challenges (
  tenant_id integer not null,
  id uuid not null,
  user_id integer not null,
  kind text not null,
  peer_id uuid,
  device_name text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  constraint login_challenges_pkey primary key (tenant_id, id),
  constraint login_challenges_user_exists foreign key (tenant_id, user_id)
    references users (tenant_id, id) on delete cascade,
  constraint login_challenges_kind_is_known check (kind in ('mfa_session', 'mfa_setup')),
  constraint login_challenges_last_at_most_15_minutes check (expires_at <= created_at + interval '15 minutes'),
  constraint login_challenges_device_name_is_printable check (device_name ~ '^[^[:cntrl:]]{0,64}$')
);
comment on table login_challenges is 'Log-ins whose password was right and which are not complete: what their token is good for, once.';
comment on column login_challenges.kind is 'mfa_session: the code is asked for. mfa_setup: a second factor has to be set up first.';
comment on column login_challenges.peer_id is 'The peer it began on, and must go on through; a record, because peers go.';
create index login_challenges_of_a_user on login_challenges (tenant_id, user_id);

alter table login_challenges enable row level security;
alter table login_challenges force row level security;
create policy login_challenges_api on login_challenges to massacorp_api
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
create policy login_challenges_api_uses_once on login_challenges as restrictive for update to massacorp_api
  using (tenant_id = (select current_tenant_id()) and used_at is null)
  with check (tenant_id = (select current_tenant_id()));
grant select, insert (tenant_id, id, user_id, kind, peer_id, device_name, created_at, expires_at), update (used_at),
  delete on login_challenges to massacorp_api;

-- Trusted devices --------------------------------------------------------------------------------------------

create table mfa_trusted_devices (
  tenant_id integer not null,
  id uuid not null,
  user_id integer not null,
  token_digest bytea not null,
  peer_id uuid,
  device_name text not null,
  user_agent text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  last_used_at timestamptz,
  constraint mfa_trusted_devices_pkey primary key (tenant_id, id),
  constraint mfa_trusted_devices_user_exists foreign key (tenant_id, user_id)
    references users (tenant_id, id) on delete cascade,
  constraint mfa_trusted_devices_token_is_a_sha256 check (octet_length(token_digest) = 32),
  constraint mfa_trusted_devices_last_at_most_30_days check (expires_at <= created_at + interval '30 days'),
  constraint mfa_trusted_devices_device_name_is_printable check (device_name ~ '^[^[:cntrl:]]{0,64}$'),
  constraint mfa_trusted_devices_user_agent_is_cut check (char_length(user_agent) <= 256)
);
comment on table mfa_trusted_devices is 'Devices on which a user is not asked for the second factor at log-in, by his own choice. What asks for a fresh one still asks.';
comment on column mfa_trusted_devices.token_digest is 'SHA-256 of 256 random bits that the device keeps.';
comment on column mfa_trusted_devices.peer_id is 'The peer it was trusted through; through another one, or none, the token is worth nothing.';
create index mfa_trusted_devices_of_a_user on mfa_trusted_devices (tenant_id, user_id);

alter table mfa_trusted_devices enable row level security;
alter table mfa_trusted_devices force row level security;
create policy mfa_trusted_devices_api on mfa_trusted_devices to massacorp_api
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
grant select, insert (tenant_id, id, user_id, token_digest, peer_id, device_name, user_agent, created_at, expires_at),
  update (last_used_at), delete on mfa_trusted_devices to massacorp_api;

-- Sessions ---------------------------------------------------------------------------------------------------

alter table sessions
  drop constraint sessions_ended_reason_is_known,
  add constraint sessions_ended_reason_is_known check (ended_reason in (
    'logout', 'refresh_reuse', 'terminated', 'password_changed', 'deactivated', 'limit', 'revoked', 'mfa_changed',
    'mfa_reset', 'mfa_missing'
  ));
