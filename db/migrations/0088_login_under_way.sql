-- A log-in compares the password first and opens its session later. What it compared with is told here, and holds until
-- the session is committed: a password that was changed, or a user who was deactivated, in between opens nothing, and
-- whoever changes either afterwards finds the session to end. Without `verified`, as the API of the release before calls
-- it, the user's status alone is held.
drop function session_open(
  integer, integer, bytea, text, timestamptz, integer, timestamptz, integer, integer, jsonb, jsonb
);
create function session_open(
    tenant integer, of_user integer, digest bytea, by_source text, since timestamptz, failures_until_lock integer,
    at timestamptz, idle_at_most integer, lasts_at_most integer, opened jsonb, entry jsonb, verified text default null
  )
  returns table (refresh_expires_at timestamptz)
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
declare
  ends timestamptz;
  idles timestamptz;
begin
  if current_tenant_id() is distinct from tenant then
    if current_tenant_id() is not null then
      raise exception 'already inside another tenant' using errcode = 'invalid_transaction_state';
    end if;
    perform set_config('app.tenant_id', tenant::text, true);
  end if;
  if (select f.failures >= failures_until_lock from login_failures(tenant, digest, by_source, since) f) then
    return;
  end if;
  perform from users u
    where u.tenant_id = tenant and u.id = of_user and u.status = 'active'
      and (verified is null or u.password_hash = verified)
    for no key update;
  if not found then
    return;
  end if;
  -- A statement of its own, which sees what was committed while that one waited: a second factor, for one.
  select session_open.at + make_interval(secs => least(t.session_lifetime_seconds, lasts_at_most)),
      session_open.at + make_interval(secs => least(t.session_idle_seconds, idle_at_most))
    into ends, idles
    from users u join tenants t on t.id = u.tenant_id
    where u.id = of_user and t.status = 'active' and t.session_limit is null
      and not exists (select from mfa_factors f where f.tenant_id = u.tenant_id and f.user_id = u.id)
      and not mfa_required_of(u.id, session_open.at);
  if not found then
    return;
  end if;
  idles := least(idles, ends);
  perform login_record(tenant, digest, by_source, 'succeeded', session_open.at);
  insert into audit_log (
      tenant_id, actor, actor_user_id, action, outcome, target_type, target_id, request_id, peer_id, address, details
    )
    select tenant, e.actor, e.actor_user_id, e.action, e.outcome, e.target_type, e.target_id, e.request_id, e.peer_id,
      e.address, e.details
    from jsonb_populate_record(null::audit_log, entry) e;
  update users u set last_login_at = session_open.at where u.tenant_id = tenant and u.id = of_user;
  insert into sessions (
      tenant_id, id, user_id, refresh_rotated_at, refresh_expires_at, created_at, last_seen_at, expires_at,
      stepped_up_at, device_name, peer_id, address, user_agent
    )
    select tenant, s.id, of_user, session_open.at, idles, session_open.at, session_open.at, ends, session_open.at,
      s.device_name, s.peer_id, s.address, s.user_agent
    from jsonb_populate_record(null::sessions, opened) s;
  return query select idles;
end
$$;
comment on function session_open(integer, integer, bytea, text, timestamptz, integer, timestamptz, integer, integer, jsonb, jsonb, text) is
  'Opens the session of a log-in whose password was right, with its records, if that is the password still and nothing more is asked of the user, entering the tenant by itself; otherwise no row, and nothing changes.';

grant execute on function
  session_open(integer, integer, bytea, text, timestamptz, integer, timestamptz, integer, integer, jsonb, jsonb, text)
  to massacorp_api;
