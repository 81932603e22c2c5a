-- What the maker of a key may do is looked up within its proof: a function of its own that is called for it was a
-- tenth of what PostgreSQL takes for a key.
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
          -- As permissions_of() says it. An array, so that it is asked once and not for each scope.
          and s.permission = any (array(
            select unnest(r.permissions)
            from user_roles h join roles r on r.tenant_id = h.tenant_id and r.id = h.role_id
            where h.tenant_id = k.tenant_id and h.user_id = k.user_id and (h.expires_at is null or h.expires_at > at)
          ))
      )
    from api_keys k
    join users u on u.tenant_id = k.tenant_id and u.id = k.user_id and u.status = 'active'
    join tenants t on t.id = k.tenant_id and t.status = 'active'
    where k.prefix = key_prefix and k.revoked_at is null
      and (k.expires_at is null or k.expires_at > at);
end
$$;
