-- The same as before, but for mfa_required_of(): it opened the user and the tenant a second time, which stand here
-- already, and was a call of a function within a statement; together a quarter of what a refresh costs the server.
-- tests/db/session_rotate_test.ts holds the two to each other.
create or replace function session_rotate(
    tenant integer, session uuid, of_user integer, presented integer, at timestamptz, own_peer boolean,
    idle_at_most integer
  )
  returns table (email text, counter integer, refresh_expires_at timestamptz)
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  if current_tenant_id() is distinct from tenant then
    if current_tenant_id() is not null then
      raise exception 'already inside another tenant' using errcode = 'invalid_transaction_state';
    end if;
    perform set_config('app.tenant_id', tenant::text, true);
  end if;
  return query
    update sessions s set
      refresh_counter = s.refresh_counter + 1, refresh_rotated_at = at, last_seen_at = at,
      refresh_expires_at = least(at + make_interval(secs => least(t.session_idle_seconds, idle_at_most)), s.expires_at)
    from users u, tenants t
    where s.id = session and s.user_id = of_user and s.refresh_counter = presented
      and s.ended_at is null and s.expires_at > at
      and u.tenant_id = s.tenant_id and u.id = s.user_id and u.status = 'active'
      and t.id = s.tenant_id and t.status = 'active'
      and (own_peer or not t.login_own_peer)
      and (
        exists (select from mfa_factors f where f.tenant_id = tenant and f.user_id = of_user)
        -- As mfa_required_of() says it.
        or not (
          u.mfa_required or t.mfa_required = 'all' or exists (
            select from user_roles h join roles r on r.tenant_id = h.tenant_id and r.id = h.role_id
            where h.tenant_id = tenant and h.user_id = of_user and (h.expires_at is null or h.expires_at > at)
              and (r.mfa_required or t.mfa_required = 'admins' and r.system in ('admin', 'superadmin'))
          )
        )
      )
    returning u.email, s.refresh_counter, s.refresh_expires_at;
end
$$;
