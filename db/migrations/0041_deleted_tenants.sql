-- What becomes of a tenant that is removed: its data goes, its number and its audit log stay.

alter table tenants
  alter column slug drop not null,
  drop constraint tenants_status_is_known,
  add constraint tenants_status_is_known check (status in ('active', 'suspended', 'deleted')),
  add constraint tenants_have_a_slug_until_deleted check ((slug is null) = (status = 'deleted')),
  add constraint tenants_name_goes_with_the_rest check (status <> 'deleted' or name = '-');
comment on column tenants.status is 'suspended: no log-in, no token, no peer on the interface. deleted: nothing is left but the number, which is not given again, and the audit log.';
comment on column tenants.slug is 'Null once deleted: the next tenant may have it.';

grant create on schema public to massacorp_lookup;
set role massacorp_lookup;
create or replace function lookup_tenant(id_or_slug text)
  returns table (tenant_id integer)
  language sql stable security definer
  set search_path = pg_catalog, public, pg_temp
  as $$
    select t.id from public.tenants t
    where t.slug is not null and (t.slug = id_or_slug
      -- CASE, because AND does not promise to look at the pattern before the cast.
      or t.id = case when id_or_slug ~ '^[0-9]{1,9}$' then id_or_slug::integer end)
    limit 1
  $$;
comment on function lookup_tenant(text) is 'The tenant that a header names by id or slug; a deleted one has no slug and is none.';
reset role;
revoke create on schema public from massacorp_lookup;

create or replace function refuse_losing_the_last_admin() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
declare
  was jsonb := to_jsonb(old);
  lost integer;
begin
  -- Two that leave at the same time take turns, and the second sees that the first is gone.
  perform pg_advisory_xact_lock(hashtext('last admin'), old.tenant_id);
  select r.id into lost from roles r
    where r.tenant_id = old.tenant_id and r.system = 'admin' and case tg_table_name
      when 'user_roles' then r.id = (was ->> 'role_id')::integer and was ->> 'expires_at' is null
      else exists (select from user_roles h where h.tenant_id = r.tenant_id and h.role_id = r.id
        and h.user_id = (was ->> 'id')::integer and h.expires_at is null) end;
  if lost is not null and not exists (
    select from user_roles h
    join users u on u.tenant_id = h.tenant_id and u.id = h.user_id and u.status = 'active'
    where h.tenant_id = old.tenant_id and h.role_id = lost and h.expires_at is null
  ) and not exists (
    select from tenants t where t.id = old.tenant_id and t.status = 'deleted'
  ) then
    raise exception 'a tenant keeps an admin'
      using errcode = 'check_violation', constraint = 'tenants_keep_an_admin', table = 'user_roles';
  end if;
  return null;
end
$$;
comment on function refuse_losing_the_last_admin() is 'Whoever is the last active admin for good can be neither removed nor deactivated, nor lose the role, while the tenant lasts.';

create function erase_tenant(which integer) returns boolean
  language plpgsql security definer
  set search_path = pg_catalog, public, pg_temp
  as $$
declare
  place text;
  refused integer;
begin
  perform from tenants where id = which and status = 'suspended' and not is_platform for update;
  if not found then
    raise exception 'only a suspended tenant is erased, and the platform never'
      using errcode = 'check_violation', constraint = 'tenants_are_suspended_before', table = 'tenants';
  end if;
  if exists (select from wg_peers where tenant_id = which)
    or exists (select from wg_retired_keys where tenant_id = which) then
    return false;
  end if;
  update tenants set status = 'deleted', slug = null, name = '-',
      wg_dns = null, wg_client_allowed_ips = null
    where id = which;
  -- Tables that hold one another go in a later turn; there are no more turns than tables.
  for turn in 1..100 loop
    refused := 0;
    for place in
      select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
        and not a.attisdropped and c.relname not in ('audit_log', 'audit_seals', 'audit_chains')
      order by c.relname
    loop
      begin
        execute format('delete from public.%I where tenant_id = $1', place) using which;
      exception when foreign_key_violation then
        refused := refused + 1;
      end;
    end loop;
    if refused = 0 then
      return true;
    end if;
  end loop;
  raise exception 'what is left of tenant % holds itself', which;
end
$$;
comment on function erase_tenant(integer) is 'Deletes everything of a suspended tenant but its number and its audit log, whatever tables there are. False, and nothing done, while a key of it may be on an interface: its row or its tombstone is still there.';
grant execute on function erase_tenant(integer) to massacorp_platform;
