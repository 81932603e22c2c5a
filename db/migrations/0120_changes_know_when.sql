-- The daemon times a change until the interface has it: from the notification it could not see what came before, nor
-- a change whose notification was lost.
alter table wg_peers add column changed_at timestamptz not null default now();
alter table wg_peers alter column changed_at set default clock_timestamp();
comment on column wg_peers.changed_at is
  'When generation last moved: by the clock, within the transaction that did it, and so a little before its commit.';
grant select (changed_at) on wg_peers to massacorp_wgd;

create or replace function wg_peers_keep_generation() returns trigger
  language plpgsql set search_path = pg_catalog, public, pg_temp as $$
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
    new.changed_at := clock_timestamp();
  else
    new.generation := old.generation;
    new.changed_at := old.changed_at;
  end if;
  return new;
end $$;
