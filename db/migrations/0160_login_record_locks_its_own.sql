-- The lock under which old attempts are forgotten had the first key of gateways: a log-in of tenant 1 held up every
-- creation of a peer on gateway 1, whoever's it was. It has a first key of its own now.

create or replace function login_record(tenant integer, digest bytea, by_source text, attempt_outcome text, at timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  insert into login_attempts (tenant_id, identifier_digest, source, outcome, at)
    select t.id, digest, by_source, attempt_outcome, login_record.at from tenants t where t.id = tenant;
  if pg_try_advisory_xact_lock(5, tenant) then
    delete from login_attempts a where a.id in (
      select o.id from login_attempts o
      where o.tenant_id = tenant and o.at < least(login_record.at, now()) - interval '1 day'
      order by o.at limit 100
    );
  end if;
end $$;
