-- Failures of an identifier from a source that still count, and whether a lock was announced. Who asks takes turns with
-- the others until his transaction ends; each statement of this function sees what was committed before it, so the
-- count is that of one's turn.
create function login_failures(
    tenant integer, digest bytea, by_source text, since timestamptz, out failures integer, out announced boolean
  )
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  perform pg_advisory_xact_lock(
    hashtextextended(tenant || '/' || encode(digest, 'hex') || '/' || by_source, 0));
  select count(*)::integer, coalesce(bool_or(a.outcome = 'locking'), false) into failures, announced
  from login_attempts a
  where a.tenant_id = tenant and a.identifier_digest = digest and a.source = by_source and a.at > since
    and a.outcome in ('failed', 'locking')
    and a.id > coalesce((
      select max(s.id) from login_attempts s
      where s.tenant_id = tenant and s.identifier_digest = digest and s.at > since and (
        s.source = by_source and s.outcome = 'succeeded' or s.source = '*' and s.outcome = 'unlocked'
      )
    ), 0);
end
$$;
comment on function login_failures(integer, bytea, text, timestamptz) is
  'Failures of an identifier from a source that still count; whoever asks takes turns with others until his transaction ends.';

-- Writes nothing for a tenant that there is not. Also forgets what no lock looks at any more, a hundred at a time, unless
-- somebody else does so now; a day is what the database lets the API delete at the soonest.
create function login_record(tenant integer, digest bytea, by_source text, attempt_outcome text, at timestamptz)
  returns void
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  insert into login_attempts (tenant_id, identifier_digest, source, outcome, at)
    select t.id, digest, by_source, attempt_outcome, login_record.at from tenants t where t.id = tenant;
  if pg_try_advisory_xact_lock(3, tenant) then
    delete from login_attempts a where a.id in (
      select o.id from login_attempts o
      where o.tenant_id = tenant and o.at < least(login_record.at, now()) - interval '1 day'
      order by o.at limit 100
    );
  end if;
end
$$;
comment on function login_record(integer, bytea, text, text, timestamptz) is
  'Records how a log-in ended, and forgets records that no lock looks at any more.';

-- The log-in that most are: the right password, no lock, no second factor, no limit of sessions. It enters the tenant by
-- itself, and writes the attempt, the audit entry and the session together. For whatever else it changes nothing, and
-- the API goes the long way.
create function session_open(
    tenant integer, of_user integer, digest bytea, by_source text, since timestamptz, failures_until_lock integer,
    at timestamptz, idle_at_most integer, lasts_at_most integer, opened jsonb, entry jsonb
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
  select session_open.at + make_interval(secs => least(t.session_lifetime_seconds, lasts_at_most)),
      session_open.at + make_interval(secs => least(t.session_idle_seconds, idle_at_most))
    into ends, idles
    from users u join tenants t on t.id = u.tenant_id
    where u.id = of_user and u.status = 'active' and t.status = 'active' and t.session_limit is null
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
comment on function session_open(integer, integer, bytea, text, timestamptz, integer, timestamptz, integer, integer, jsonb, jsonb) is
  'Opens the session of a log-in whose password was right, with its records, if nothing more is asked of the user, entering the tenant by itself; otherwise no row, and nothing changes.';

grant execute on function login_failures(integer, bytea, text, timestamptz),
  login_record(integer, bytea, text, text, timestamptz),
  session_open(integer, integer, bytea, text, timestamptz, integer, timestamptz, integer, integer, jsonb, jsonb)
  to massacorp_api;
