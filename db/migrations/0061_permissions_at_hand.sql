-- What a role permits stands with the role as well, so that a proof, which every request needs, opens neither of the
-- two tables it follows from. The column is nobody's to write: whatever is written to a role, the trigger puts in what
-- the tables say, under the lock of its row, in the transaction that changed them.
alter table roles add column permissions text[] not null default '{}';
comment on column roles.permissions is 'What role_permissions says of it, or system_role_permissions for one of the system; kept by triggers.';

create function roles_hold_their_permissions() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  new.permissions := case when new.system is null
    then array(
      select o.permission from role_permissions o
      where o.tenant_id = new.tenant_id and o.role_id = new.id order by o.permission
    )
    else array(
      select s.permission from system_role_permissions s where s.system_role = new.system order by s.permission
    )
  end;
  return new;
end
$$;
comment on function roles_hold_their_permissions() is 'Puts into a role what the tables say that it permits, whoever writes what.';
create trigger roles_hold_their_permissions before insert or update on roles
  for each row execute function roles_hold_their_permissions();

create function role_permissions_reach_their_role() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  -- A column that the writers of role_permissions may write; the trigger above does the rest.
  update roles r set about = r.about
    where (r.tenant_id, r.id) in (select c.tenant_id, c.role_id from changed c);
  return null;
end
$$;
comment on function role_permissions_reach_their_role() is 'Has the roles whose entries changed look at them again.';
create trigger role_permissions_reach_their_role after insert on role_permissions
  referencing new table as changed for each statement execute function role_permissions_reach_their_role();
create trigger role_permissions_leave_their_role after delete on role_permissions
  referencing old table as changed for each statement execute function role_permissions_reach_their_role();

create function system_role_permissions_reach_their_roles() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  update roles r set about = r.about where r.system is not null;
  return null;
end
$$;
comment on function system_role_permissions_reach_their_roles() is 'The same for roles of the system, in every tenant: only a migration changes what those permit.';
create trigger system_role_permissions_reach_their_roles after insert or update or delete on system_role_permissions
  for each statement execute function system_role_permissions_reach_their_roles();
create trigger role_permissions_move_to_another_role after update on role_permissions
  referencing new table as changed for each statement execute function role_permissions_reach_their_role();
create trigger role_permissions_move_from_another_role after update on role_permissions
  referencing old table as changed for each statement execute function role_permissions_reach_their_role();

-- Nobody changed these.
alter table roles disable trigger roles_touch;
update roles set about = about;
alter table roles enable trigger roles_touch;

create or replace function permissions_of(of_user integer, at timestamptz) returns text[]
  language plpgsql stable
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  return array(
    select distinct unnest(r.permissions)
    from user_roles h join roles r on r.tenant_id = h.tenant_id and r.id = h.role_id
    where h.tenant_id = (select current_tenant_id()) and h.user_id = of_user
      and (h.expires_at is null or h.expires_at > at)
    order by 1
  );
end
$$;

-- What session_in_force() says, for half of its price: the roles are looked at once, in no order, each with what it
-- permits. That one stays for the release before.
create function session_proof(tenant integer, session uuid, of_user integer, at timestamptz)
  returns table (
    email text, name text, created_at timestamptz, slug text, tenant_name text, stepped_up_at timestamptz,
    last_seen_at timestamptz, login_own_peer boolean, mfa_enabled boolean, grants text[]
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
      exists (select from mfa_factors f where f.tenant_id = tenant and f.user_id = of_user),
      array(
        select r.name || ' ' || array_to_string(r.permissions, ' ')
        from user_roles h join roles r on r.tenant_id = h.tenant_id and r.id = h.role_id
        where h.tenant_id = tenant and h.user_id = of_user and (h.expires_at is null or h.expires_at > at)
      )
    from sessions s
    join users u on u.tenant_id = s.tenant_id and u.id = s.user_id
    join tenants t on t.id = s.tenant_id
    where s.id = session and s.user_id = of_user
      and s.ended_at is null and s.expires_at > at
      and u.status = 'active' and t.status = 'active';
end
$$;
comment on function session_proof(integer, uuid, integer, timestamptz) is
  'The session behind an access token at a moment, its user, and each role''s name and permissions parted by blanks, entering the tenant by itself; no row where it is no longer good.';
grant execute on function session_proof(integer, uuid, integer, timestamptz) to massacorp_api;
