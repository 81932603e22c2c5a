-- A client's file that nobody fetched in time goes by itself, and not with the tenant's next one.

create policy wg_deliveries_lookup on wg_deliveries for select to massacorp_lookup using (true);
grant select (tenant_id, expires_at) on wg_deliveries to massacorp_lookup;

-- Which tenants have one has to be asked before any tenant is entered.
create function lookup_expired_deliveries(at timestamptz, most integer)
  returns table (tenant_id integer)
  language sql stable security definer
  set search_path = pg_catalog, public, pg_temp
  as $$
    select d.tenant_id from public.wg_deliveries d
    where d.expires_at <= at
    group by d.tenant_id order by min(d.expires_at) limit most
  $$;
comment on function lookup_expired_deliveries(timestamptz, integer) is 'Tenants with files that nobody fetched in time, the oldest first; they are erased inside their tenant.';

-- A new owner must be allowed to create in the schema, for this moment alone.
grant create on schema public to massacorp_lookup;
alter function lookup_expired_deliveries(timestamptz, integer) owner to massacorp_lookup;
revoke create on schema public from massacorp_lookup;

set role massacorp_lookup;
revoke execute on function lookup_expired_deliveries(timestamptz, integer) from public;
grant execute on function lookup_expired_deliveries(timestamptz, integer) to massacorp_api;
reset role;
