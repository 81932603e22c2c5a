-- Every policy asks for the tenant, once a table and statement. As a function with a search_path of its own it was
-- parsed, planned and run anew each time, 45 us of processor a table. Its body is parsed now, so that nobody's
-- search_path changes what its names mean, and without a setting of its own it becomes part of the plan.
create or replace function current_tenant_id() returns integer
  language sql stable parallel safe
  return nullif(current_setting('app.tenant_id', true), '')::integer;

-- Who is asking is asked with every request. These two enter the tenant before they look at anything, so that the
-- answer costs one message and no transaction around it: a statement is one by itself, and the tenant ends with it.
-- They run with the rights of their caller, whom row-level security holds as ever. Inside another tenant they refuse:
-- the statements after them in such a transaction would be somebody else's.
create function session_in_force(tenant integer, session uuid, of_user integer, at timestamptz)
  returns table (
    email text, name text, created_at timestamptz, slug text, tenant_name text, stepped_up_at timestamptz,
    last_seen_at timestamptz, login_own_peer boolean, permissions text[], mfa_enabled boolean, roles text[]
  )
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
    select u.email, u.name, u.created_at, t.slug, t.name, s.stepped_up_at, s.last_seen_at, t.login_own_peer,
      permissions_of(u.id, at),
      exists (select from mfa_factors f where f.tenant_id = u.tenant_id and f.user_id = u.id),
      array(
        select r.name from user_roles h join roles r on r.tenant_id = h.tenant_id and r.id = h.role_id
        where h.tenant_id = u.tenant_id and h.user_id = u.id and (h.expires_at is null or h.expires_at > at)
        order by r.name
      )
    from sessions s
    join users u on u.tenant_id = s.tenant_id and u.id = s.user_id
    join tenants t on t.id = s.tenant_id
    where s.id = session and s.user_id = of_user
      and s.ended_at is null and s.expires_at > at
      and u.status = 'active' and t.status = 'active';
end
$$;
comment on function session_in_force(integer, uuid, integer, timestamptz) is
  'The session behind an access token at a moment, and its user, entering the tenant by itself; no row where it is no longer good.';

create function api_key_in_force(key_prefix text, at timestamptz)
  returns table (
    tenant_id integer, id uuid, user_id integer, secret_digest bytea, previous_secret_digest bytea,
    allowed_peers text[], rate_limit integer, permissions text[]
  )
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
declare
  -- No tenant has the number 0: an unknown key costs what a known one does.
  tenant integer := coalesce((select l.tenant_id from lookup_api_key(key_prefix) l), 0);
begin
  if current_tenant_id() is distinct from tenant then
    if current_tenant_id() is not null then
      raise exception 'already inside another tenant' using errcode = 'invalid_transaction_state';
    end if;
    perform set_config('app.tenant_id', tenant::text, true);
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
comment on function api_key_in_force(text, timestamptz) is
  'The API key with a prefix at a moment, with what it may do as far as its maker may, entering its tenant by itself.';

grant execute on function session_in_force(integer, uuid, integer, timestamptz),
  api_key_in_force(text, timestamptz) to massacorp_api;
