-- Who may do what: permissions, roles, and who has which.

-- permissions -----------------------------------------------------------------------------------------------

create table permissions (
  name text not null,
  about text not null,
  platform boolean not null default false,
  constraint permissions_pkey primary key (name),
  constraint permissions_are_told_by_reach unique (name, platform),
  constraint permissions_name_is_dotted check (name ~ '^[a-z_]+\.[a-z_]+$'),
  constraint permissions_are_of_the_platform_by_name check (platform = (name like 'platform.%'))
);
comment on table permissions is 'Everything that can be permitted. The same closed list stands in the API''s code, which refuses to start where the two differ.';
comment on column permissions.platform is 'Reaches beyond one tenant: no role of a tenant can have it.';

alter table permissions enable row level security;
alter table permissions force row level security;
create policy permissions_api on permissions for select to massacorp_api, massacorp_platform using (true);
grant select on permissions to massacorp_api, massacorp_platform;

insert into permissions (name, about, platform) values
  ('wireguard.read', 'See the peers of the tenant', false),
  ('wireguard.write', 'Make, change and remove peers', false),
  ('tenant.read', 'See the settings of the tenant', false),
  ('tenant.write', 'Change the settings of the tenant', false),
  ('users.read', 'See the users of the tenant', false),
  ('users.write', 'Invite, change and remove users', false),
  ('users.security', 'Unlock users and take away their second factor', false),
  ('roles.read', 'See roles and who has them', false),
  ('roles.write', 'Make roles, and give and take them', false),
  ('api_keys.read', 'See the API keys of all users', false),
  ('api_keys.write', 'Revoke the API keys of all users', false),
  ('audit.read', 'Read and verify the audit log', false),
  ('audit.export', 'Export the audit log', false),
  ('platform.tenants', 'Make, suspend and remove tenants', true),
  ('platform.wireguard', 'Grant networks to tenants, and decide over the interface', true);

create table system_role_permissions (
  system_role text not null,
  permission text not null,
  constraint system_role_permissions_pkey primary key (system_role, permission),
  constraint system_role_permissions_exist foreign key (permission) references permissions (name) on delete cascade,
  constraint system_role_permissions_role_is_known check (system_role in ('user', 'manager', 'admin', 'superadmin')),
  constraint system_role_permissions_keep_the_platform_apart check (
    (permission like 'platform.%') = (system_role = 'superadmin')
  )
);
comment on table system_role_permissions is 'What the roles that every tenant has may do. Those of user, manager and admin each include the one before.';

alter table system_role_permissions enable row level security;
alter table system_role_permissions force row level security;
create policy system_role_permissions_api on system_role_permissions for select
  to massacorp_api, massacorp_platform using (true);
grant select on system_role_permissions to massacorp_api, massacorp_platform;

insert into system_role_permissions (system_role, permission)
  select 'admin', name from permissions where not platform
  union all select 'superadmin', name from permissions where platform
  union all select 'manager', unnest(array[
    'wireguard.read', 'wireguard.write', 'tenant.read', 'users.read', 'users.write', 'roles.read'
  ]);

-- roles -----------------------------------------------------------------------------------------------------

create table roles (
  tenant_id integer not null,
  id integer generated always as identity,
  name text not null,
  about text not null default '',
  system text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint roles_pkey primary key (tenant_id, id),
  constraint roles_tenant_exists foreign key (tenant_id) references tenants (id) on delete cascade,
  constraint roles_name_is_taken unique (tenant_id, name),
  constraint roles_name_is_a_word check (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
  constraint roles_about_is_printable check (about ~ '^[^[:cntrl:]]{0,200}$'),
  constraint roles_system_is_known check (system in ('user', 'manager', 'admin', 'superadmin')),
  constraint roles_of_the_system_keep_their_name check (coalesce(system, name) = name),
  constraint roles_of_the_system_are_reserved check (
    system is not null or name not in ('user', 'manager', 'admin', 'superadmin', 'operator')
  )
);
comment on table roles is 'The roles of a tenant: those of the system, which every tenant has, and those it made.';
comment on column roles.system is 'Of the system: what it permits stands in system_role_permissions, and it can be neither changed nor removed.';

alter table roles enable row level security;
alter table roles force row level security;
create policy roles_api on roles to massacorp_api
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
-- Those of the system cannot be touched, by whatever statement.
create policy roles_api_changes_its_own on roles as restrictive for update to massacorp_api
  using (system is null) with check (system is null);
create policy roles_api_removes_its_own on roles as restrictive for delete to massacorp_api using (system is null);
create policy roles_platform on roles to massacorp_platform
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
grant select, insert (tenant_id, name, about), update (name, about), delete on roles to massacorp_api;
grant select, insert (tenant_id, name, system) on roles to massacorp_platform;
create trigger roles_touch before update on roles for each row execute function touch_updated_at();

create function tenants_make_roles() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
declare
  entered text := current_setting('app.tenant_id', true);
begin
  perform set_config('app.tenant_id', new.id::text, true);
  insert into roles (tenant_id, name, system)
    select new.id, name, name from unnest(array['user', 'manager', 'admin', 'superadmin']) as name
    where new.is_platform or name <> 'superadmin';
  perform set_config('app.tenant_id', coalesce(entered, ''), true);
  return null;
end
$$;
comment on function tenants_make_roles() is 'Gives a new tenant the roles of the system; superadmin is the platform tenant''s alone.';
create trigger tenants_make_roles after insert on tenants for each row execute function tenants_make_roles();

create table role_permissions (
  tenant_id integer not null,
  role_id integer not null,
  permission text not null,
  platform boolean generated always as (false) stored,
  constraint role_permissions_pkey primary key (tenant_id, role_id, permission),
  constraint role_permissions_role_exists foreign key (tenant_id, role_id)
    references roles (tenant_id, id) on delete cascade,
  constraint role_permissions_are_of_a_tenant foreign key (permission, platform)
    references permissions (name, platform) on delete cascade
);
comment on table role_permissions is 'What the roles that a tenant made may do. Entries of a role of the system would say nothing.';
comment on column role_permissions.platform is 'Always false: it makes the foreign key refuse what reaches beyond a tenant.';

alter table role_permissions enable row level security;
alter table role_permissions force row level security;
create policy role_permissions_api on role_permissions to massacorp_api, massacorp_platform
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
grant select, insert (tenant_id, role_id, permission), delete on role_permissions to massacorp_api;
grant select on role_permissions to massacorp_platform;

-- user_roles ------------------------------------------------------------------------------------------------

create table user_roles (
  tenant_id integer not null,
  user_id integer not null,
  role_id integer not null,
  granted_by integer,
  granted_at timestamptz not null default now(),
  expires_at timestamptz,
  constraint user_roles_pkey primary key (tenant_id, user_id, role_id),
  constraint user_roles_user_exists foreign key (tenant_id, user_id)
    references users (tenant_id, id) on delete cascade,
  constraint user_roles_role_is_in_use foreign key (tenant_id, role_id)
    references roles (tenant_id, id) on delete restrict,
  constraint user_roles_end_after_they_begin check (expires_at > granted_at)
);
comment on table user_roles is 'Who has which role, and until when. Permissions are looked up at each request, so what ends here ends at once.';
comment on column user_roles.granted_by is 'The user who gave it; null for the operator. No foreign key: it outlives its giver.';
create index user_roles_of_a_role on user_roles (tenant_id, role_id);

alter table user_roles enable row level security;
alter table user_roles force row level security;
create policy user_roles_api on user_roles to massacorp_api, massacorp_platform
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
grant select, insert (tenant_id, user_id, role_id, granted_by, granted_at, expires_at),
  update (granted_by, granted_at, expires_at), delete on user_roles to massacorp_api;
grant select, insert (tenant_id, user_id, role_id, granted_by) on user_roles to massacorp_platform;

create function permissions_of(of_user integer, at timestamptz) returns text[]
  language sql stable
  set search_path = pg_catalog, public, pg_temp
  as $$
    select coalesce(array_agg(distinct p.permission order by p.permission), '{}')
    from user_roles h
    join roles r on r.tenant_id = h.tenant_id and r.id = h.role_id
    cross join lateral (
      select s.permission from system_role_permissions s where s.system_role = r.system
      union all
      select o.permission from role_permissions o
        where r.system is null and o.tenant_id = r.tenant_id and o.role_id = r.id
    ) p
    where h.tenant_id = (select current_tenant_id()) and h.user_id = of_user
      and (h.expires_at is null or h.expires_at > at)
  $$;
comment on function permissions_of(integer, timestamptz) is 'What a user of the current tenant may do at a moment, through all roles that have not ended by then.';
grant execute on function permissions_of(integer, timestamptz) to massacorp_api, massacorp_platform;

-- The last admin --------------------------------------------------------------------------------------------

create function refuse_losing_the_last_admin() returns trigger
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
  ) then
    raise exception 'a tenant keeps an admin'
      using errcode = 'check_violation', constraint = 'tenants_keep_an_admin', table = 'user_roles';
  end if;
  return null;
end
$$;
comment on function refuse_losing_the_last_admin() is 'Whoever is the last active admin for good can be neither removed nor deactivated, nor lose the role.';
create trigger user_roles_keep_an_admin after delete or update of expires_at on user_roles
  for each row execute function refuse_losing_the_last_admin();
create trigger users_keep_an_admin after update of status on users
  for each row when (old.status = 'active' and new.status <> 'active')
  execute function refuse_losing_the_last_admin();
