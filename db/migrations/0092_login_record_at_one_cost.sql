-- What a log-in reads of the record costs the same however often the account logged in lately: the newest row that
-- forgives is one step in an index, and of the failures the newest few are looked at, of which so many lock.

create index if not exists login_attempts_that_forgive on login_attempts (tenant_id, identifier_digest, source, id)
  where outcome in ('succeeded', 'unlocked');
create index if not exists login_attempts_that_failed on login_attempts (tenant_id, identifier_digest, source, id)
  where outcome in ('failed', 'locking');
drop index login_attempts_of_an_account;

-- What the record says of an identifier and a source. `between` says what `=` would, but orders by the source: the
-- primary key then can't give the order, which is what the planner would take where it knows of one account alone,
-- to walk through all rows of the tenant for another one.
create function login_standing(
    tenant integer, digest bytea, by_source text, since timestamptz,
    out forgiven bigint, out failures integer, out announced boolean
  )
  language plpgsql stable
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  -- A success forgives what failed the same way; an unlocking, whose source is *, what failed in any way.
  forgiven := greatest(
    (
      select s.id from login_attempts s
      where s.tenant_id = tenant and s.identifier_digest = digest and s.source between by_source and by_source
        and s.outcome in ('succeeded', 'unlocked')
      order by s.source desc, s.id desc limit 1
    ),
    (
      select s.id from login_attempts s
      where s.tenant_id = tenant and s.identifier_digest = digest and s.source between '*' and '*'
        and s.outcome in ('succeeded', 'unlocked')
      order by s.source desc, s.id desc limit 1
    ),
    0
  );
  -- More than lock; the lock keeps others from coming.
  select count(*)::integer, coalesce(bool_or(a.outcome = 'locking'), false) into failures, announced
  from (
    select f.id, f.outcome, f.at from login_attempts f
    where f.tenant_id = tenant and f.identifier_digest = digest and f.source between by_source and by_source
      and f.outcome in ('failed', 'locking')
    order by f.source desc, f.id desc limit 20
  ) a
  where a.id > forgiven and a.at > since;
end
$$;
comment on function login_standing(integer, bytea, text, timestamptz) is
  'What the record of log-ins says of an identifier and a source: the newest row that forgives, the failures since that count, and whether a lock was announced. Its cost does not grow with the record.';
grant execute on function login_standing(integer, bytea, text, timestamptz) to massacorp_api;

create or replace function login_failures(
    tenant integer, digest bytea, by_source text, since timestamptz, out failures integer, out announced boolean
  )
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  perform pg_advisory_xact_lock(
    hashtextextended(tenant || '/' || encode(digest, 'hex') || '/' || by_source, 0));
  select s.failures, s.announced into failures, announced from login_standing(tenant, digest, by_source, since) s;
end
$$;

create or replace function login_facts(tenant integer, of_email text, digest bytea, by_source text, since timestamptz)
  returns table (own_peer_only boolean, failures integer, since_id text, account jsonb)
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
    select
      coalesce((select t.login_own_peer from tenants t where t.id = tenant), false), s.failures, s.forgiven::text,
      (
        select jsonb_build_object(
          'user_id', u.id, 'email', u.email, 'locale', u.locale, 'password_hash', u.password_hash,
          'active', u.status = 'active' and t.status = 'active'
        )
        from users u join tenants t on t.id = u.tenant_id
        where u.tenant_id = tenant and u.email = of_email
      )
    from login_standing(tenant, digest, by_source, since) s;
end
$$;
