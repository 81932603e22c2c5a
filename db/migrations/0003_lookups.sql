-- The three questions that must be answered before a tenant is known. Each returns at most one row of ids.

create function lookup_tenant(id_or_slug text)
  returns table (tenant_id integer)
  language sql stable security definer
  set search_path = pg_catalog, public, pg_temp
  as $$
    select t.id from public.tenants t
    where t.slug = id_or_slug
      -- CASE, because AND does not promise to look at the pattern before the cast.
      or t.id = case when id_or_slug ~ '^[0-9]{1,9}$' then id_or_slug::integer end
    limit 1
  $$;
comment on function lookup_tenant(text) is 'The tenant that a header names by id or slug.';

create function lookup_peer(source inet)
  returns table (tenant_id integer, peer_id uuid, user_id integer)
  language sql stable security definer
  set search_path = pg_catalog, public, pg_temp
  as $$
    select p.tenant_id, p.id, p.user_id from public.wg_peers p
    where p.address = source and p.enabled and p.deleted_at is null
      and (p.expires_at is null or p.expires_at > now())
    limit 1
  $$;
comment on function lookup_peer(inet) is 'The live peer that holds a tunnel address. Networks of interfaces do not overlap, so there is at most one.';

create function lookup_api_key(key_prefix text)
  returns table (tenant_id integer, api_key_id uuid, user_id integer)
  language sql stable security definer
  set search_path = pg_catalog, public, pg_temp
  as $$
    select k.tenant_id, k.id, k.user_id from public.api_keys k where k.prefix = key_prefix
  $$;
comment on function lookup_api_key(text) is 'The API key with a prefix; its secret is checked inside the tenant.';

create index wg_peers_by_address on wg_peers (address);

-- A new owner must be allowed to create in the schema, for this moment alone.
grant create on schema public to massacorp_lookup;
alter function lookup_tenant(text) owner to massacorp_lookup;
alter function lookup_peer(inet) owner to massacorp_lookup;
alter function lookup_api_key(text) owner to massacorp_lookup;
revoke create on schema public from massacorp_lookup;

set role massacorp_lookup;
revoke execute on function lookup_tenant(text), lookup_peer(inet), lookup_api_key(text) from public;
grant execute on function lookup_tenant(text), lookup_peer(inet), lookup_api_key(text) to massacorp_api;
reset role;
