-- What a tenant sets for sessions, and what a session shows of its device.

alter table tenants
  add column session_limit integer,
  add column session_idle_seconds integer,
  add column session_lifetime_seconds integer,
  add constraint tenants_session_limit_leaves_one check (session_limit between 1 and 1000),
  -- An access token lasts 15 minutes, up to an hour where the operator sets it so.
  add constraint tenants_sessions_idle_no_shorter_than_a_token check (session_idle_seconds between 3600 and 2592000),
  add constraint tenants_sessions_last_at_most_30_days check (session_lifetime_seconds between 3600 and 2592000);
comment on column tenants.session_limit is 'Sessions that a user may have at a time; the one unused for longest ends when another begins. Null for no limit.';
comment on column tenants.session_idle_seconds is 'How long a session lives without being refreshed; null for the server''s setting, which is never exceeded.';
comment on column tenants.session_lifetime_seconds is 'How long a session lives at all; null for the server''s setting, which is never exceeded.';
grant update (session_limit, session_idle_seconds, session_lifetime_seconds) on tenants to massacorp_api;

alter table sessions
  add column device_name text not null default '',
  add constraint sessions_device_name_is_printable check (device_name ~ '^[^[:cntrl:]]{0,64}$'),
  drop constraint sessions_ended_reason_is_known,
  add constraint sessions_ended_reason_is_known check (ended_reason in (
    'logout', 'refresh_reuse', 'terminated', 'password_changed', 'deactivated', 'limit', 'revoked'
  ));
comment on column sessions.device_name is 'What the user calls the device; empty where he said nothing.';
create index sessions_by_end on sessions (tenant_id, expires_at);
