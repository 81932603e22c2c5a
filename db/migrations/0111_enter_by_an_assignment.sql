-- To perform set_config() is a statement of its own within the function, planned once and yet started and ended with
-- each call; to assign what it answers is none. A tenth of what these three cost the server, which every request asks.
-- The text is otherwise as it was, but for mfa_required_of() in session_rotate(): it opened the user and the tenant a
-- second time, which stand there already, and was a call of a function within a statement; together a quarter of what a
-- refresh costs the server. tests/db/session_rotate_test.ts holds the two to each other.
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
      array(
        select r.name || ' ' || array_to_string(r.permissions, ' ')
        from user_roles h join roles r on r.tenant_id = h.tenant_id and r.id = h.role_id
        where h.tenant_id = tenant and h.user_id = of_user and (h.expires_at is null or h.expires_at > at)
      )
    from sessions s
    join users u on u.tenant_id = s.tenant_id and u.id = s.user_id
    join tenants t on t.id = s.tenant_id
    where s.id = session and s.user_id = of_user
      and s.ended_at is null and s.expires_at > at
      and u.status = 'active' and t.status = 'active';
end
$$;

create or replace function session_rotate(
    tenant integer, session uuid, of_user integer, presented integer, at timestamptz, own_peer boolean,
    idle_at_most integer
  )
  returns table (email text, counter integer, refresh_expires_at timestamptz)
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

create or replace function api_key_in_force(key_prefix text, at timestamptz)
  returns table (
    tenant_id integer, id uuid, user_id integer, secret_digest bytea, previous_secret_digest bytea, allowed_peers text[],
    rate_limit integer, permissions text[]
  )
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
declare
  entered text;
  -- No tenant has the number 0: an unknown key costs what a known one does.
  tenant integer := coalesce((select l.tenant_id from lookup_api_key(key_prefix) l), 0);
begin
  if current_tenant_id() is distinct from tenant then
    if current_tenant_id() is not null then
      raise exception 'already inside another tenant' using errcode = 'invalid_transaction_state';
    end if;
    entered := set_config('app.tenant_id', tenant::text, true);
  end if;
  return query
    select k.tenant_id, k.id, k.user_id, k.secret_digest,
      case when k.previous_secret_until > at then k.previous_secret_digest end,
      k.allowed_peers::text[], k.rate_limit,
      array(
        select s.permission from api_key_scopes s
        where s.tenant_id = k.tenant_id and s.api_key_id = k.id
          -- A sub-select, so that it is asked once and not for each scope.
          and s.permission = any ((select permissions_of(k.user_id, at))::text[])
      )
    from api_keys k
    join users u on u.tenant_id = k.tenant_id and u.id = k.user_id and u.status = 'active'
    join tenants t on t.id = k.tenant_id and t.status = 'active'
    where k.prefix = key_prefix and k.revoked_at is null
      and (k.expires_at is null or k.expires_at > at);
end
$$;
