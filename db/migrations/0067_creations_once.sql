-- What is created is created once, and whole: a tenant whose creation was cut off, and keys of repeated requests.

alter table tenants add column unfinished_since timestamptz,
  add constraint tenants_unfinished_are_not_active check (unfinished_since is null or status <> 'active');
comment on column tenants.unfinished_since is
  'Set while its creation is under way, whose second half is the invitation of its first admin: nobody finds it, and it is suspended. What a crash left so is finished by the repetition of its key, or removed by the next creation.';

create function keep_unfinished_tenants_suspended() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  if tg_op = 'INSERT' then
    if new.unfinished_since is not null then
      new.status := 'suspended';
    end if;
  elsif new.unfinished_since is distinct from old.unfinished_since then
    if new.unfinished_since is not null or old.status <> 'suspended' then
      raise exception 'a tenant is finished once'
        using errcode = 'check_violation', constraint = 'tenants_are_finished_once', table = 'tenants';
    end if;
    new.status := 'active';
  end if;
  return new;
end
$$;
comment on function keep_unfinished_tenants_suspended() is
  'An unfinished tenant is suspended from its first moment, and becomes active by being finished. None becomes unfinished again: the role of the API may finish, and suspend nobody by it.';
create trigger tenants_unfinished before insert or update of unfinished_since on tenants
  for each row execute function keep_unfinished_tenants_suspended();

grant insert (unfinished_since) on tenants to massacorp_platform;
grant update (unfinished_since) on tenants to massacorp_api;
grant select (unfinished_since) on tenants to massacorp_lookup;

grant create on schema public to massacorp_lookup;
set role massacorp_lookup;
create or replace function lookup_tenant(id_or_slug text)
  returns table (tenant_id integer)
  language plpgsql stable security definer
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  return query
    select t.id from public.tenants t
    where t.slug is not null and t.unfinished_since is null and (t.slug = id_or_slug
      -- CASE, because AND does not promise to look at the pattern before the cast.
      or t.id = case when id_or_slug ~ '^[0-9]{1,9}$' then id_or_slug::integer end)
    limit 1;
end
$$;
comment on function lookup_tenant(text) is
  'The tenant that a header names by id or slug; a deleted one has no slug and is none, nor is one that is not finished.';
reset role;
revoke create on schema public from massacorp_lookup;

-- The operator's role creates as well; and whoever accepts an invitation is known by its token alone.
alter table idempotency_keys
  drop constraint idempotency_keys_principal_is_known,
  add constraint idempotency_keys_principal_is_known check (
    principal ~ '^(operator|user:[0-9]+|api_key:[0-9a-f-]{36}|invitation:[0-9a-f]{64})$');
create policy idempotency_keys_platform on idempotency_keys to massacorp_platform
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
grant select, delete on idempotency_keys to massacorp_platform;
grant insert (tenant_id, principal, key, request_digest, created_at), update (resource_id) on idempotency_keys
  to massacorp_platform;

-- Of an invitation whose answer was lost.
grant update (token_digest) on invitations to massacorp_api;

create table tenant_creations (
  made integer not null,
  principal text not null,
  key text not null,
  request_digest bytea not null,
  created_at timestamptz not null,
  constraint tenant_creations_pkey primary key (principal, key),
  constraint tenant_creations_tenant_exists foreign key (made) references tenants (id) on delete cascade,
  constraint tenant_creations_principal_is_known check (principal ~ '^(operator|user:[0-9]+)$'),
  constraint tenant_creations_key_is_printable check (key ~ '^[!-~]{1,255}$'),
  constraint tenant_creations_request_is_a_sha256 check (octet_length(request_digest) = 32)
);
comment on table tenant_creations is
  'Idempotency-Key headers by which tenants were made in the last day, each with the tenant. No tenant reads them: they are looked for before it is known which one they made.';
comment on column tenant_creations.made is 'The tenant; deleted by now, perhaps, and then the key is free.';
comment on column tenant_creations.request_digest is 'As in idempotency_keys.';
create index tenant_creations_by_age on tenant_creations (created_at);
alter table tenant_creations enable row level security;
alter table tenant_creations force row level security;
create policy tenant_creations_platform on tenant_creations to massacorp_platform using (true) with check (true);
grant select, insert, delete on tenant_creations to massacorp_platform;
