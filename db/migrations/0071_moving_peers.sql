-- A peer moves to another gateway: a new address there at once, and here the key as one that leaves, whose address
-- stays held until the interface was read back without it.
alter table wg_retired_keys add column address inet;
comment on column wg_retired_keys.address is 'The address that the peer had with it on this interface, where it left for another gateway; goes back to the pool with this row.';
create index wg_retired_keys_of_movers on wg_retired_keys (tenant_id, peer_id) where address is not null;

alter table tenants add column wg_gateway smallint,
  add constraint tenants_gateway_exists foreign key (wg_gateway) references wg_interfaces (id) on delete restrict;
comment on column tenants.wg_gateway is 'Where its peers go when nobody says and it is up; null for the gateway that has the most free addresses.';
grant update (wg_gateway) on tenants to massacorp_api;

create policy wg_retired_keys_api_reads on wg_retired_keys for select to massacorp_api
  using (tenant_id = (select current_tenant_id()));
grant select (tenant_id, peer_id, interface_id, address, retired_at) on wg_retired_keys to massacorp_api;
grant insert (address) on wg_retired_keys to massacorp_api;
-- Nobody can end such a rest but the daemon: it has no end until then.
create policy wg_resting_addresses_api_holds on wg_resting_addresses for insert to massacorp_api
  with check (tenant_id = (select current_tenant_id()) and until = 'infinity');
create policy wg_resting_addresses_api_holds_again on wg_resting_addresses for update to massacorp_api
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()) and until = 'infinity');
grant insert (tenant_id, interface_id, address, user_id, until), update (user_id, until)
  on wg_resting_addresses to massacorp_api;
grant update (interface_id, address) on wg_peers to massacorp_api;

create function wg_peers_move_whole() returns trigger
  language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
begin
  if new.interface_id = old.interface_id then
    if new.address <> old.address and current_user = 'massacorp_api' then
      raise exception 'an address changes with the gateway alone'
        using errcode = 'check_violation', constraint = 'wg_peers_address_moves_with_the_gateway', table = 'wg_peers';
    end if;
    return new;
  end if;
  if old.deleted_at is not null or new.deleted_at is not null then
    raise exception 'a removed peer does not move'
      using errcode = 'check_violation', constraint = 'wg_peers_removed_do_not_move', table = 'wg_peers';
  end if;
  -- Its row is there by the foreign key; taken, it is free for nobody else.
  if not exists (select from wg_ip_pool a
      where a.interface_id = new.interface_id and a.address = new.address and a.free_from is null) then
    raise exception 'the new address was not taken from the pool'
      using errcode = 'check_violation', constraint = 'wg_peers_new_address_is_taken', table = 'wg_peers';
  end if;
  -- A key that waits would be on two interfaces.
  if new.successor_public_key is not null then
    raise exception 'a successor does not move'
      using errcode = 'check_violation', constraint = 'wg_peers_successors_do_not_move', table = 'wg_peers';
  end if;
  return new;
end
$$;
comment on function wg_peers_move_whole() is 'Gateway and address change together, to an address that was taken from the target''s pool before, and never of a tombstone.';
revoke execute on function wg_peers_move_whole() from public;
create trigger wg_peers_move_whole before update of interface_id, address on wg_peers
  for each row execute function wg_peers_move_whole();

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
    insert into wg_resting_addresses (tenant_id, interface_id, address, user_id, until)
      values (old.tenant_id, old.interface_id, old.address, old.user_id, 'infinity')
      -- It may have rested before, and nobody has cleared that away yet.
      on conflict on constraint wg_resting_addresses_pkey
        do update set user_id = excluded.user_id, until = excluded.until;
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
drop trigger wg_peers_retire_key on wg_peers;
create trigger wg_peers_retire_key
  after delete or update of interface_id, public_key, successor_public_key, deleted_at on wg_peers
  for each row execute function wg_peers_retire_key();

create or replace function wg_peers_register_keys() returns trigger
  language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
declare
  before text[] := '{}';
  after text[] := array_remove(array[new.public_key, new.successor_public_key], null);
  key text;
begin
  if tg_op = 'UPDATE' then
    if new.interface_id = old.interface_id then
      before := array_remove(array[old.public_key, old.successor_public_key], null);
    end if;
    delete from wg_keys where tenant_id = new.tenant_id and peer_id = new.id
      and (public_key <> all (after) or interface_id <> new.interface_id);
  end if;
  -- One by one, so that the daemon, which only ever takes a key away here, needs no right to insert.
  foreach key in array after loop
    continue when key = any (before);
    insert into wg_keys (tenant_id, interface_id, public_key, peer_id)
      values (new.tenant_id, new.interface_id, key, new.id);
  end loop;
  return null;
end
$$;
drop trigger wg_peers_register_keys on wg_peers;
create trigger wg_peers_register_keys
  after insert or update of interface_id, public_key, successor_public_key, deleted_at on wg_peers
  for each row execute function wg_peers_register_keys();

-- Addresses that a mover leaves behind count as well, so that moving gets nobody more of the pools.
drop trigger wg_peers_hold_to_quota on wg_peers;
create constraint trigger wg_peers_hold_to_quota after insert or update of interface_id on wg_peers
  deferrable initially deferred for each row execute function wg_peers_hold_to_quota();

create function wg_retired_keys_release_address() returns trigger
  language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
declare
  rests_until timestamptz;
begin
  update wg_ip_pool p set free_from = now() + i.address_rest
    from wg_interfaces i
    where i.id = old.interface_id and p.interface_id = old.interface_id and p.address = old.address
      and p.free_from = 'infinity'
    returning p.free_from into rests_until;
  update wg_resting_addresses r set until = rests_until
    where rests_until is not null and r.tenant_id = old.tenant_id and r.interface_id = old.interface_id
      and r.address = old.address;
  return null;
end
$$;
comment on function wg_retired_keys_release_address() is 'The address of a peer that moved away rests from when its key was read back gone.';
revoke execute on function wg_retired_keys_release_address() from public;
create trigger wg_retired_keys_release_address after delete on wg_retired_keys
  for each row when (old.address is not null) execute function wg_retired_keys_release_address();
