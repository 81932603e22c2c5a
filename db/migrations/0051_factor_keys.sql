-- Whether every key that second factors are sealed under is still there has to be asked across tenants, at the start.

create policy mfa_factors_lookup on mfa_factors for select to massacorp_lookup using (true);
grant select (key_id) on mfa_factors to massacorp_lookup;

create function lookup_factor_keys()
  returns table (key_id text, factors integer)
  language sql stable security definer
  set search_path = pg_catalog, public, pg_temp
  as $$
    select f.key_id, count(*)::integer from public.mfa_factors f group by f.key_id order by f.key_id
  $$;
comment on function lookup_factor_keys() is 'How many second factors each key seals, of all tenants together: for a start that notices a key that is missing.';

-- A new owner must be allowed to create in the schema, for this moment alone.
grant create on schema public to massacorp_lookup;
alter function lookup_factor_keys() owner to massacorp_lookup;
revoke create on schema public from massacorp_lookup;

set role massacorp_lookup;
revoke execute on function lookup_factor_keys() from public;
grant execute on function lookup_factor_keys() to massacorp_api;
reset role;
