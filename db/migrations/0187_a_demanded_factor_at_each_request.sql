-- Who must have a second factor and has none gets no further with a session that began before it was demanded: as
-- session_rotate() refuses his next refresh, this refuses his next request. His roles, which it reads anyway, say it in
-- the same look; tests/db/session_rotate_test.ts holds both to mfa_required_of(). The rest is as it was.
create or replace function session_proof(tenant integer, session uuid, of_user integer, at timestamptz)
  returns table (
    email text, name text, created_at timestamptz, slug text, tenant_name text, stepped_up_at timestamptz,
    last_seen_at timestamptz, login_own_peer boolean, mfa_enabled boolean, grants text[]
  )
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
declare
  entered text;
begin
  if current_tenant_id() is distinct from tenant then
    if current_tenant_id() is not null then
      raise exception 'already inside another tenant' using errcode = 'invalid_transaction_state';
    end if;
    entered := set_config('app.tenant_id', tenant::text, true);
  end if;
  return query
    select u.email, u.name, u.created_at, t.slug, t.name, s.stepped_up_at, s.last_seen_at, t.login_own_peer,
      exists (select from mfa_factors f where f.tenant_id = tenant and f.user_id = of_user),
      coalesce(held.grants, '{}')
    from sessions s
    join users u on u.tenant_id = s.tenant_id and u.id = s.user_id
    join tenants t on t.id = s.tenant_id
    cross join lateral (
      select array_agg(r.name || ' ' || array_to_string(r.permissions, ' ')) as grants,
        bool_or(r.mfa_required or t.mfa_required = 'admins' and r.system in ('admin', 'superadmin')) as demand
      from user_roles h join roles r on r.tenant_id = h.tenant_id and r.id = h.role_id
      where h.tenant_id = tenant and h.user_id = of_user and (h.expires_at is null or h.expires_at > at)
    ) held
    where s.id = session and s.user_id = of_user
      and s.ended_at is null and s.expires_at > at
      and u.status = 'active' and t.status = 'active'
      and (
        not (u.mfa_required or t.mfa_required = 'all' or coalesce(held.demand, false))
        or exists (select from mfa_factors f where f.tenant_id = tenant and f.user_id = of_user)
      );
end
$$;
