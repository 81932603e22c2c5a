-- Several gateways: which of them live, which take peers, and the operator's word over both.
alter table wg_interfaces
  add column accepts_peers boolean not null default true,
  add column retired_at timestamptz,
  add constraint wg_interfaces_retired_accept_nobody check (retired_at is null or not accepts_peers);
comment on column wg_interfaces.accepts_peers is 'Whether new peers may come; those that are there stay.';
comment on column wg_interfaces.retired_at is 'When the operator took it out of use, for good. The row stays: receipts name it.';
comment on table wg_interfaces is 'A gateway: a WireGuard interface and the network behind it. Its daemon writes it; the operator announces one, and decides whether it takes peers.';

-- Announced by the operator, published by its daemon.
create policy wg_interfaces_platform_announces on wg_interfaces for insert to massacorp_platform
  with check (public_key is null);
create policy wg_interfaces_platform_decides on wg_interfaces for update to massacorp_platform
  using (true) with check (true);
grant insert (id, name, network, network6, listen_port, endpoint, mtu), update (accepts_peers, retired_at)
  on wg_interfaces to massacorp_platform;
create policy wg_ip_pool_platform_reads on wg_ip_pool for select to massacorp_platform using (true);
create policy wg_ip_pool_platform_fills on wg_ip_pool for insert to massacorp_platform
  with check (free_from = '-infinity');
grant select, insert (interface_id, address, free_from) on wg_ip_pool to massacorp_platform;
grant execute on function wg_pool_addresses(cidr) to massacorp_platform;

-- The platform's role sees the grants of the tenant that it is inside of alone, so what it announces is looked at
-- again when the daemon, which sees them all, publishes its key. Before that no peer can come.
create or replace function wg_interfaces_stay_outside_grants() returns trigger
  language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
begin
  if tg_op = 'UPDATE' and (new.network, new.network6) is not distinct from (old.network, old.network6)
    and (old.public_key is null) = (new.public_key is null) then
    return new;
  end if;
  perform pg_advisory_xact_lock(hashtext('wg_grants and wg_interfaces'));
  if exists (select from wg_grants g where g.network && any (array[new.network, new.network6])) then
    raise exception 'the network overlaps a grant'
      using errcode = 'check_violation', constraint = 'wg_interfaces_network_is_not_granted', table = 'wg_interfaces';
  end if;
  return new;
end
$$;

-- First key 3 of the advisory locks: whoever puts a peer on a gateway shares it, who retires the gateway has it alone.
create function wg_interfaces_retire_empty() returns trigger
  language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
begin
  if old.retired_at is not null then
    raise exception 'a retired gateway stays retired'
      using errcode = 'check_violation', constraint = 'wg_interfaces_retirement_is_final', table = 'wg_interfaces';
  end if;
  if new.retired_at is null then
    return new;
  end if;
  perform pg_advisory_xact_lock(3, new.id);
  -- Held by a peer or its tombstone, or by a key that was not read back gone yet.
  if exists (select from wg_ip_pool a
      where a.interface_id = new.id and (a.free_from is null or a.free_from = 'infinity')) then
    raise exception 'the gateway has peers'
      using errcode = 'check_violation', constraint = 'wg_interfaces_retire_without_peers', table = 'wg_interfaces';
  end if;
  return new;
end
$$;
comment on function wg_interfaces_retire_empty() is 'A gateway is retired once no peer, tombstone or leaving key holds an address of it, and never comes back.';
create trigger wg_interfaces_retire_empty before update on wg_interfaces
  for each row when (old.retired_at is not null or new.retired_at is not null)
  execute function wg_interfaces_retire_empty();

create function wg_peers_go_where_they_may() returns trigger
  language plpgsql set search_path = pg_catalog, public, pg_temp
as $$
begin
  perform pg_advisory_xact_lock_shared(3, new.interface_id);
  if not exists (select from wg_interfaces i where i.id = new.interface_id and i.accepts_peers) then
    raise exception 'the gateway takes no peers'
      using errcode = 'check_violation', constraint = 'wg_peers_gateway_takes_peers', table = 'wg_peers';
  end if;
  return new;
end
$$;
comment on function wg_peers_go_where_they_may() is 'No peer comes to a gateway that takes none, however its row is made.';
create trigger wg_peers_go_where_they_may before insert or update of interface_id on wg_peers
  for each row execute function wg_peers_go_where_they_may();

-- A daemon that lives holds a session advisory lock: first key 0x57470000 + interface, second key the second of its
-- last read-back, counted from 2025. It ends with the session, whatever ends the daemon, and writes nothing.
create function wg_gateways_seen() returns table (interface_id smallint, read_back_at timestamptz)
  language sql stable set search_path = pg_catalog, public, pg_temp
as $$
  select (l.classid::bigint - 1464270848)::smallint,
    max(case when l.objid::bigint > 0 then timestamptz '2025-01-01 00:00:00Z' + l.objid::bigint * interval '1 s' end)
  from pg_locks l
  join pg_stat_activity a on a.pid = l.pid
  join pg_roles r on r.oid = a.usesysid and r.rolname = 'massacorp_wgd'
  join pg_database d on d.oid = l.database and d.datname = current_database()
  where l.locktype = 'advisory' and l.granted and l.objsubid = 2
    and l.classid::bigint between 1464270849 and 1464303615
  group by 1
$$;
comment on function wg_gateways_seen() is 'The gateways whose daemon has a session at this moment, by the lock that it holds, and when each read its interface back. A lock of any other role counts for nothing.';
revoke execute on function wg_gateways_seen() from public;
grant execute on function wg_gateways_seen() to massacorp_api, massacorp_platform;
revoke execute on function wg_interfaces_retire_empty() from public;
revoke execute on function wg_peers_go_where_they_may() from public;
