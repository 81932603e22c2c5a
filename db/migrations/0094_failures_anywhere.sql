-- A lock lasts for all of its time from the failure that locks, not until those before it have aged. And failures of an
-- account are counted over all sources as well: that makes log-ins wait and show work, and is told to the owner once,
-- but locks nobody.

alter table login_attempts
  drop constraint login_attempts_outcome_is_known,
  add constraint login_attempts_outcome_is_known check (
    outcome in ('succeeded', 'failed', 'locking', 'locked', 'unlocked', 'alarmed')
  ),
  drop constraint login_attempts_unlocking_is_for_every_source,
  add constraint login_attempts_of_every_source_are_none check ((outcome in ('unlocked', 'alarmed')) = (source = '*'));
comment on column login_attempts.outcome is 'locking: failed, and locked the account for its source. locked: refused because of that, whatever the password. unlocked: somebody lifted all locks of the account. alarmed: its owner was told of failures from all sources together.';
comment on column login_attempts.source is 'The peer the attempt came through, or the listener where there is no peer. Locks bind account and source together. * for an unlocking and an alarm, which are for all of them.';

create index if not exists login_attempts_that_failed_anywhere on login_attempts (tenant_id, identifier_digest, id)
  where outcome in ('failed', 'locking');
create index if not exists login_attempts_that_were_told on login_attempts (tenant_id, identifier_digest, id)
  where outcome in ('locking', 'alarmed');

create or replace function login_standing(
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
  -- Of the newest, which are more than lock; the lock keeps others from coming. What led to it counts as long as it.
  select count(*)::integer, coalesce(bool_or(a.outcome = 'locking'), false) into failures, announced
  from (
    select n.*, max(n.id) filter (where n.outcome = 'locking' and n.at > since) over () as locked_by
    from (
      select f.id, f.outcome, f.at from login_attempts f
      where f.tenant_id = tenant and f.identifier_digest = digest and f.source between by_source and by_source
        and f.outcome in ('failed', 'locking')
      order by f.source desc, f.id desc limit 20
    ) n
  ) a
  where a.id > forgiven and (a.at > since or a.id <= a.locked_by);
end
$$;

-- Of an identifier in whatever way, 20 at most. A success forgives nothing here: the owner's would hide other people's
-- guesses.
create function login_failures_anywhere(
    tenant integer, digest bytea, since timestamptz, out forgiven bigint, out failures integer
  )
  language plpgsql stable
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  forgiven := coalesce(
    (
      select s.id from login_attempts s
      where s.tenant_id = tenant and s.identifier_digest = digest and s.source between '*' and '*'
        and s.outcome in ('succeeded', 'unlocked')
      order by s.source desc, s.id desc limit 1
    ),
    0
  );
  -- `between` as in login_standing().
  select count(*)::integer into failures
  from (
    select f.id, f.at from login_attempts f
    where f.tenant_id = tenant and f.identifier_digest between digest and digest and f.outcome in ('failed', 'locking')
    order by f.identifier_digest desc, f.id desc limit 20
  ) a
  where a.id > forgiven and a.at > since;
end
$$;
comment on function login_failures_anywhere(integer, bytea, timestamptz) is
  'Failures of an identifier from all sources together, 20 at most, since the last unlocking. Its cost does not grow with the record.';

-- Whether a failure that is not recorded yet is one that the owner has to be told of. Of several at once one is, and
-- nobody waits: others could hold up the owner's own log-in.
create function login_alarm(tenant integer, digest bytea, since timestamptz, failures_until_alarm integer)
  returns boolean
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
declare
  reset bigint;
begin
  select a.forgiven into reset from login_failures_anywhere(tenant, digest, since) a
    where a.failures + 1 >= failures_until_alarm;
  if not found or not pg_try_advisory_xact_lock(hashtextextended(tenant || '/' || encode(digest, 'hex'), 0)) then
    return false;
  end if;
  -- A statement of its own, which sees what the last one who had the lock committed.
  return coalesce((
    select t.at <= since or t.id <= reset from login_attempts t
    where t.tenant_id = tenant and t.identifier_digest between digest and digest
      and t.outcome in ('locking', 'alarmed')
    order by t.identifier_digest desc, t.id desc limit 1
  ), true);
end
$$;
comment on function login_alarm(integer, bytea, timestamptz, integer) is
  'Whether a failure makes so many of an identifier, from all sources together, that its owner is told, and was not yet.';

-- With columns more; the release before asks for those that were there.
drop function login_facts(integer, text, bytea, text, timestamptz);
create function login_facts(tenant integer, of_email text, digest bytea, by_source text, since timestamptz)
  returns table (
    own_peer_only boolean, failures integer, since_id text, account jsonb, failures_anywhere integer,
    anywhere_since_id text
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
    select
      coalesce((select t.login_own_peer from tenants t where t.id = tenant), false), s.failures, s.forgiven::text,
      (
        select jsonb_build_object(
          'user_id', u.id, 'email', u.email, 'locale', u.locale, 'password_hash', u.password_hash,
          'active', u.status = 'active' and t.status = 'active'
        )
        from users u join tenants t on t.id = u.tenant_id
        where u.tenant_id = tenant and u.email = of_email
      ),
      a.failures, a.forgiven::text
    from login_standing(tenant, digest, by_source, since) s, login_failures_anywhere(tenant, digest, since) a;
end
$$;
comment on function login_facts(integer, text, bytea, text, timestamptz) is
  'What a log-in is judged by: the account of an address, failures that count and since when, those of all sources too, and whether the tenant wants its users'' own peers, entering the tenant by itself.';

grant execute on function login_failures_anywhere(integer, bytea, timestamptz),
  login_alarm(integer, bytea, timestamptz, integer),
  login_facts(integer, text, bytea, text, timestamptz)
  to massacorp_api;
