-- A move frees what it takes, so a quota that is used up does not hold it back. What a mover left rests as before,
-- and counts again once the peer is gone; on any one gateway a tenant holds no more than its quota, whatever it moves.
alter table wg_resting_addresses add column peer_id uuid;
comment on column wg_resting_addresses.peer_id is 'The peer that moved away from it, which may come back to it; null where the peer was removed. No foreign key: an address rests on when the peer goes.';
create index wg_resting_addresses_of_movers on wg_resting_addresses (tenant_id, peer_id) where peer_id is not null;
grant insert (peer_id), update (peer_id) on wg_resting_addresses to massacorp_api, massacorp_wgd;

create function wg_resting_held(of_tenant integer, of_user integer) returns bigint
  language sql stable
  return (
    select count(*) from wg_resting_addresses r
    where r.tenant_id = of_tenant and r.until > now() and (of_user is null or r.user_id = of_user)
      and not exists (select from wg_peers p
        where p.tenant_id = r.tenant_id and p.id = r.peer_id and p.deleted_at is null)
  );
comment on function wg_resting_held(integer, integer) is 'Addresses that rest and count against a quota, of a tenant or of one of its users: all but those that a peer left which is somewhere else now.';
grant execute on function wg_resting_held(integer, integer) to massacorp_api;

create function wg_held_on_gateway(of_tenant integer, gateway smallint) returns bigint
  language sql stable
  return (
    (select count(*) from wg_peers p where p.tenant_id = of_tenant and p.interface_id = gateway)
    + (select count(*) from wg_resting_addresses r
        where r.tenant_id = of_tenant and r.interface_id = gateway and r.until > now())
  );
comment on function wg_held_on_gateway(integer, smallint) is 'Addresses of one gateway that a tenant holds: of peers, tombstones, and all that rest.';
grant execute on function wg_held_on_gateway(integer, smallint) to massacorp_api;

create or replace function wg_peers_hold_to_quota() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
declare
  what text := concat_ws(' ', tg_op, new.tenant_id, new.interface_id);
  allowed bigint;
begin
  -- At commit all rows are there: the first check speaks for those that follow.
  if current_setting('app.quota_held', true) = what then
    return null;
  end if;
  -- Creations and moves of one tenant take turns from here to the end of their commit.
  perform pg_advisory_xact_lock(1, new.tenant_id);
  select coalesce(t.peer_quota, wg_tenant_share(i.network, i.tenant_share)) into allowed
    from tenants t, wg_interfaces i where t.id = new.tenant_id and i.id = new.interface_id;
  if wg_held_on_gateway(new.tenant_id, new.interface_id) > coalesce(allowed, 0)
    or tg_op = 'INSERT' and (select count(*) from wg_peers p where p.tenant_id = new.tenant_id)
      + wg_resting_held(new.tenant_id, null) > coalesce(allowed, 0)
  then
    raise exception 'the tenant holds as many addresses as it may'
      using errcode = 'check_violation', constraint = 'wg_peers_fit_the_quota', table = 'wg_peers';
  end if;
  perform set_config('app.quota_held', what, true);
  return null;
end
$$;
comment on function wg_peers_hold_to_quota() is 'Refuses the commit after which a tenant would hold more addresses than it may: on one gateway, and when a peer is made, of peers, tombstones and those that rest everywhere.';

-- The address that a peer left, and is given again, rests no longer.
create policy wg_resting_addresses_api_takes_back on wg_resting_addresses for delete to massacorp_api
  using (tenant_id = (select current_tenant_id()) and exists (select from wg_peers p
    where p.tenant_id = wg_resting_addresses.tenant_id and p.id = wg_resting_addresses.peer_id
      and p.interface_id = wg_resting_addresses.interface_id and p.address = wg_resting_addresses.address));
grant delete on wg_resting_addresses to massacorp_api;

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
      do update set user_id = excluded.user_id, until = excluded.until, peer_id = null;
  return null;
end
$$;

create or replace function wg_peers_retire_key() returns trigger
  language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
declare
  kept text[] := '{}';
begin
  -- A row that the daemon purges was a tombstone itself, and its key is proven gone.
  if tg_op = 'DELETE' and old.deleted_at is not null then
    return null;
  end if;
  if tg_op = 'UPDATE' and new.interface_id <> old.interface_id then
    -- Its address is held with it. Should the key be leaving already, for whatever else, this has to wait for that.
    insert into wg_retired_keys (tenant_id, peer_id, interface_id, public_key, address)
      values (old.tenant_id, old.id, old.interface_id, old.public_key, old.address);
    insert into wg_retired_keys (tenant_id, peer_id, interface_id, public_key)
      select old.tenant_id, old.id, old.interface_id, old.successor_public_key
      where old.successor_public_key is not null
      on conflict do nothing;
    update wg_ip_pool p set free_from = 'infinity'
      where p.interface_id = old.interface_id and p.address = old.address;
    insert into wg_resting_addresses (tenant_id, interface_id, address, user_id, until, peer_id)
      values (old.tenant_id, old.interface_id, old.address, old.user_id, 'infinity', old.id)
      -- It may have rested before, and nobody has cleared that away yet.
      on conflict on constraint wg_resting_addresses_pkey
        do update set user_id = excluded.user_id, until = excluded.until, peer_id = excluded.peer_id;
    delete from wg_resting_addresses r
      where r.tenant_id = new.tenant_id and r.interface_id = new.interface_id and r.address = new.address
        and r.peer_id = new.id;
    return null;
  end if;
  if tg_op = 'UPDATE' then
    kept := array_remove(array[new.public_key, new.successor_public_key], null);
  end if;
  insert into wg_retired_keys (tenant_id, peer_id, interface_id, public_key)
    select old.tenant_id, old.id, old.interface_id, key
    from unnest(array[old.public_key, old.successor_public_key]) key
    where key is not null and key <> all (kept)
    on conflict do nothing;
  return null;
end
$$;
