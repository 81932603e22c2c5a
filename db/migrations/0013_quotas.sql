-- What a tenant may hold of a pool that several share, who decided over a peer, and attempts that are forgotten.

-- Shares of the pool ----------------------------------------------------------------------------------------

alter table wg_interfaces
  add column tenant_share smallint not null default 50,
  add constraint wg_interfaces_tenant_share_is_a_percentage check (tenant_share between 1 and 100);
comment on column wg_interfaces.tenant_share is 'Percent of the pool that a tenant without a quota of its own may hold.';
grant insert (tenant_share), update (tenant_share) on wg_interfaces to massacorp_wgd;
comment on column tenants.peer_quota is 'Addresses the tenant may hold, those that rest included; null for the share that wg_interfaces gives. The operator sets it.';

create table wg_resting_addresses (
  tenant_id integer not null,
  interface_id smallint not null,
  address inet not null,
  user_id integer,
  until timestamptz not null,
  constraint wg_resting_addresses_pkey primary key (tenant_id, interface_id, address),
  constraint wg_resting_addresses_tenant_exists foreign key (tenant_id)
    references tenants (id) on delete cascade,
  constraint wg_resting_addresses_user_exists foreign key (tenant_id, user_id)
    references users (tenant_id, id) on delete set null (user_id)
);
comment on table wg_resting_addresses is 'Who released an address, for as long as it rests: it counts as held, or whoever makes and removes peers would empty the pool for everybody. The pool itself does not say whose an address is.';
comment on column wg_resting_addresses.user_id is 'The owner of the peer that held it.';
create index wg_resting_addresses_that_end on wg_resting_addresses (tenant_id, interface_id, until);

alter table wg_resting_addresses enable row level security;
alter table wg_resting_addresses force row level security;
create policy wg_resting_addresses_api on wg_resting_addresses for select to massacorp_api
  using (tenant_id = (select current_tenant_id()));
create policy wg_resting_addresses_wgd on wg_resting_addresses to massacorp_wgd
  using (true) with check (true);
grant select on wg_resting_addresses to massacorp_api;
grant select, insert (tenant_id, interface_id, address, user_id, until), update (user_id, until), delete
  on wg_resting_addresses to massacorp_wgd;

create or replace function wg_peers_release_address() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
declare
  rests_until timestamptz;
begin
  update wg_ip_pool p
    set free_from = now() + i.address_rest
    from wg_interfaces i
    where i.id = old.interface_id and p.interface_id = old.interface_id and p.address = old.address
    returning p.free_from into rests_until;
  delete from wg_resting_addresses r
    where r.tenant_id = old.tenant_id and r.interface_id = old.interface_id and r.until <= now();
  insert into wg_resting_addresses (tenant_id, interface_id, address, user_id, until)
    values (old.tenant_id, old.interface_id, old.address, old.user_id, rests_until)
    on conflict on constraint wg_resting_addresses_pkey
      do update set user_id = excluded.user_id, until = excluded.until;
  return null;
end
$$;
comment on function wg_peers_release_address() is 'However a row goes, its address goes back to the pool in the same transaction, to rest, and counts as its tenant''s until it has rested.';

create function wg_peers_hold_to_quota() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
declare
  allowed bigint;
  held bigint;
begin
  -- At commit all rows are there: the first check speaks for those that follow.
  if current_setting('app.quota_held', true) = new.tenant_id::text then
    return null;
  end if;
  -- Creations of one tenant take turns from here to the end of their commit.
  perform pg_advisory_xact_lock(1, new.tenant_id);
  select coalesce(t.peer_quota, wg_tenant_share(i.network, i.tenant_share)) into allowed
    from tenants t, wg_interfaces i where t.id = new.tenant_id and i.id = new.interface_id;
  select (select count(*) from wg_peers p where p.tenant_id = new.tenant_id)
      + (select count(*) from wg_resting_addresses r
          where r.tenant_id = new.tenant_id and r.until > now())
    into held;
  if held > coalesce(allowed, 0) then
    raise exception 'the tenant holds as many addresses as it may'
      using errcode = 'check_violation', constraint = 'wg_peers_fit_the_quota', table = 'wg_peers';
  end if;
  perform set_config('app.quota_held', new.tenant_id::text, true);
  return null;
end
$$;
comment on function wg_peers_hold_to_quota() is 'Refuses the commit after which a tenant would hold more addresses than it may: of peers, tombstones, and those that rest.';

create function wg_tenant_share(network cidr, percent smallint) returns bigint
  language sql immutable
  set search_path = pg_catalog, pg_temp
  as $$ select greatest(1, ((1::bigint << (32 - masklen(network))) - 8) * percent / 100) $$;
comment on function wg_tenant_share(cidr, smallint) is 'Addresses that are so many percent of a network''s pool, whose size is wg_pool_addresses().';
grant execute on function wg_tenant_share(cidr, smallint) to massacorp_api;

create constraint trigger wg_peers_hold_to_quota after insert on wg_peers
  deferrable initially deferred
  for each row execute function wg_peers_hold_to_quota();

-- Who decided -----------------------------------------------------------------------------------------------

alter table wg_peers
  add column disabled_by text not null default 'admin',
  add column expiry_set_by text not null default 'admin',
  add constraint wg_peers_disabled_by_is_known check (disabled_by in ('owner', 'admin')),
  add constraint wg_peers_expiry_set_by_is_known check (expiry_set_by in ('owner', 'admin'));
comment on column wg_peers.disabled_by is 'Who disabled it; without a meaning while it is enabled. The owner undoes only what an owner did.';
comment on column wg_peers.expiry_set_by is 'Who set its expiry; without a meaning where there is none. The owner lifts or extends only what an owner set.';
grant insert (expiry_set_by), update (disabled_by, expiry_set_by) on wg_peers to massacorp_api;

-- Attempts that are forgotten -------------------------------------------------------------------------------

create index login_attempts_by_age on login_attempts (tenant_id, at);
-- Restrictive: it narrows what the policy for all commands permits, to rows that no lock looks at any more.
create policy login_attempts_api_forgets on login_attempts as restrictive for delete to massacorp_api
  using (tenant_id = (select current_tenant_id()) and at < now() - interval '1 day');
grant delete on login_attempts to massacorp_api;
comment on table login_attempts is 'Every log-in tried of late, whether the account exists or not: what locks are made of. The audit log keeps the record.';
