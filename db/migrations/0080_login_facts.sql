-- What a log-in is judged by, in one message: it enters the tenant by itself, as session_open() does. One statement and
-- the same ones whether the account, or the tenant, exists or not, so that all cost the same.
create function login_facts(tenant integer, of_email text, digest bytea, by_source text, since timestamptz)
  returns table (own_peer_only boolean, failures integer, since_id text, account jsonb)
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
declare
  reset bigint;
begin
  if current_tenant_id() is distinct from tenant then
    if current_tenant_id() is not null then
      raise exception 'already inside another tenant' using errcode = 'invalid_transaction_state';
    end if;
    perform set_config('app.tenant_id', tenant::text, true);
  end if;
  -- The newest row that made earlier failures count no more.
  reset := coalesce((
    select max(s.id) from login_attempts s
    where s.tenant_id = tenant and s.identifier_digest = digest and s.at > since and (
      s.source = by_source and s.outcome = 'succeeded' or s.source = '*' and s.outcome = 'unlocked'
    )
  ), 0);
  return query
    select
      coalesce((select t.login_own_peer from tenants t where t.id = tenant), false),
      (
        select count(*)::integer from login_attempts a
        where a.tenant_id = tenant and a.identifier_digest = digest and a.source = by_source and a.at > since
          and a.outcome in ('failed', 'locking') and a.id > reset
      ),
      reset::text,
      (
        select jsonb_build_object(
          'user_id', u.id, 'email', u.email, 'locale', u.locale, 'password_hash', u.password_hash,
          'active', u.status = 'active' and t.status = 'active'
        )
        from users u join tenants t on t.id = u.tenant_id
        where u.tenant_id = tenant and u.email = of_email
      );
end
$$;
comment on function login_facts(integer, text, bytea, text, timestamptz) is
  'What a log-in is judged by: the account of an address, failures that count and since when, and whether the tenant wants its users'' own peers, entering the tenant by itself.';
grant execute on function login_facts(integer, text, bytea, text, timestamptz) to massacorp_api;
