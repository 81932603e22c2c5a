-- Rotation without a dead moment: a peer's next key stands on the interface beside the present one, without
-- allowed IPs, until its first handshake or a deadline.

alter table wg_peers
  add column successor_public_key text,
  add column successor_preshared_key bytea,
  add column successor_deadline timestamptz,
  add constraint wg_peers_successor_is_a_key check (successor_public_key ~ '^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$'),
  add constraint wg_peers_successor_is_another_key check (successor_public_key <> public_key),
  add constraint wg_peers_successor_has_a_deadline check (
    (successor_public_key is null) = (successor_deadline is null)
  ),
  add constraint wg_peers_successor_preshared_key_is_sealed check (
    octet_length(successor_preshared_key) = 73 and successor_public_key is not null
    or successor_preshared_key is null
  ),
  add constraint wg_peers_removed_have_no_successor check (deleted_at is null or successor_public_key is null);
comment on column wg_peers.successor_public_key is 'The key that takes over public_key''s place with its first handshake, or at the deadline.';
comment on column wg_peers.successor_preshared_key is 'As preshared_key, bound to the successor''s public key.';

-- wg_keys ---------------------------------------------------------------------------------------------------

create table wg_keys (
  tenant_id integer not null,
  interface_id smallint not null,
  public_key text not null,
  peer_id uuid not null,
  constraint wg_keys_pkey primary key (interface_id, public_key),
  constraint wg_keys_peer_exists foreign key (tenant_id, peer_id)
    references wg_peers (tenant_id, id) on delete cascade
);
comment on table wg_keys is 'Every key that a peer has or is about to have, so that no two peers of an interface ever have one in common: a key and a successor stand in two columns, which no unique constraint spans. Triggers keep it.';
create index wg_keys_of_a_peer on wg_keys (tenant_id, peer_id);
insert into wg_keys (tenant_id, interface_id, public_key, peer_id)
  select tenant_id, interface_id, public_key, id from wg_peers;

create function wg_peers_register_keys() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
declare
  before text[] := '{}';
  after text[] := array_remove(array[new.public_key, new.successor_public_key], null);
  key text;
begin
  if tg_op = 'UPDATE' then
    before := array_remove(array[old.public_key, old.successor_public_key], null);
    delete from wg_keys where tenant_id = new.tenant_id and peer_id = new.id and public_key <> all (after);
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
comment on function wg_peers_register_keys() is 'Registers a peer''s keys; a violation of the primary key is a key that some peer has.';
create trigger wg_peers_register_keys
  after insert or update of public_key, successor_public_key, deleted_at on wg_peers
  for each row execute function wg_peers_register_keys();

alter table wg_keys enable row level security;
alter table wg_keys force row level security;
create policy wg_keys_api on wg_keys to massacorp_api
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
create policy wg_keys_wgd on wg_keys to massacorp_wgd using (true) with check (true);
grant select, insert (tenant_id, interface_id, public_key, peer_id), delete on wg_keys to massacorp_api;
grant select, delete on wg_keys to massacorp_wgd;

-- The triggers on wg_peers know the successor ---------------------------------------------------------------

create or replace function wg_peers_keep_generation() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  if new.deleted_at is null and old.deleted_at is not null then
    raise exception 'a removed peer stays removed'
      using errcode = 'check_violation', constraint = 'wg_peers_removal_is_final', table = 'wg_peers';
  end if;
  if new.deleted_at is not null then
    new.successor_public_key := null;
    new.successor_preshared_key := null;
    new.successor_deadline := null;
  end if;
  if (new.interface_id, new.user_id, new.public_key, new.preshared_key, new.address, new.enabled, new.expires_at,
      new.deleted_at, new.successor_public_key, new.successor_preshared_key, new.successor_deadline)
    is distinct from
     (old.interface_id, old.user_id, old.public_key, old.preshared_key, old.address, old.enabled, old.expires_at,
      old.deleted_at, old.successor_public_key, old.successor_preshared_key, old.successor_deadline)
  then
    new.generation := nextval('wg_peer_generation');
  else
    new.generation := old.generation;
  end if;
  return new;
end
$$;
comment on function wg_peers_keep_generation() is 'Moves generation exactly when the interface must follow, refuses to revive a tombstone, and lets none have a successor.';

create or replace function wg_peers_refuse_gateway_key() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  if exists (select from wg_interfaces i where i.public_key in (new.public_key, new.successor_public_key)) then
    raise exception 'the key belongs to a gateway'
      using errcode = 'check_violation', constraint = 'wg_peers_public_key_is_no_gateway', table = 'wg_peers';
  end if;
  return new;
end
$$;
drop trigger wg_peers_gateway_key on wg_peers;
create trigger wg_peers_gateway_key before insert or update of public_key, successor_public_key on wg_peers
  for each row execute function wg_peers_refuse_gateway_key();

create or replace function wg_peers_retire_key() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
declare
  kept text[] := '{}';
begin
  -- A row that the daemon purges was a tombstone itself, and its key is proven gone.
  if tg_op = 'DELETE' and old.deleted_at is not null then
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
  -- deleted_at, because a removal takes the successor away.
  after delete or update of public_key, successor_public_key, deleted_at on wg_peers
  for each row execute function wg_peers_retire_key();

-- The daemon, which sees the handshake, may do one thing to a row: put the successor into its key's place ----

create function wg_peers_promotion_is_exact() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
declare
  promotes boolean := coalesce(new.public_key = old.successor_public_key, false);
begin
  if current_user = 'massacorp_wgd' and not (
    promotes and new.preshared_key is not distinct from old.successor_preshared_key
    and (new.successor_public_key, new.successor_preshared_key, new.successor_deadline) is null
  ) then
    raise exception 'the daemon only promotes successors'
      using errcode = 'check_violation', constraint = 'wg_peers_daemon_only_promotes', table = 'wg_peers';
  end if;
  if current_user = 'massacorp_api' and promotes then
    raise exception 'only the daemon promotes a successor'
      using errcode = 'check_violation', constraint = 'wg_peers_only_the_daemon_promotes', table = 'wg_peers';
  end if;
  return new;
end
$$;
comment on function wg_peers_promotion_is_exact() is 'Of a peer''s keys the daemon changes nothing but this: the successor, as it stands, becomes the key. The API, which does not see handshakes, cannot.';
create trigger wg_peers_promotion_is_exact before update on wg_peers
  for each row execute function wg_peers_promotion_is_exact();

create policy wg_peers_wgd_promotes on wg_peers for update to massacorp_wgd
  using (successor_public_key is not null and deleted_at is null)
  with check (successor_public_key is null);
grant select (successor_public_key, successor_preshared_key, successor_deadline),
  update (public_key, preshared_key, successor_public_key, successor_preshared_key, successor_deadline)
  on wg_peers to massacorp_wgd;
grant insert (tenant_id, peer_id, interface_id, public_key) on wg_retired_keys to massacorp_wgd;
grant update (successor_public_key, successor_preshared_key, successor_deadline) on wg_peers to massacorp_api;
