-- An IPv6 ULA beside the IPv4 network. The pool stays IPv4's: a peer's second address follows from its first.

alter table wg_interfaces
  add column network6 cidr,
  add column gateway6 inet generated always as (set_masklen(network6::inet, 128) + 1) stored,
  add column api_address6 inet generated always as (set_masklen(network6::inet, 128) + 2) stored,
  add constraint wg_interfaces_network6_is_a_ula_64 check (
    family(network6) = 6 and masklen(network6) = 64 and network6 << 'fd00::/8'::cidr
  ),
  add constraint wg_interfaces_networks6_do_not_overlap exclude using gist (network6 inet_ops with &&);
comment on column wg_interfaces.network6 is 'A ULA /64 (RFC 4193); null where the tunnel has no IPv6.';
grant insert (network6), update (network6) on wg_interfaces to massacorp_wgd;

create function wg_address6(address inet, network cidr, network6 cidr) returns inet
  language sql immutable
  set search_path = pg_catalog, pg_temp
  as $$
    select set_masklen(network6::inet, 128) + (address - set_masklen(network::inet, 32))
  $$;
comment on function wg_address6(inet, cidr, cidr) is 'The IPv6 address that goes with an IPv4 address of the network: the same offset from the prefix, so that what holds of the one (one peer, one interface) holds of the other. Null where there is no IPv6.';
grant execute on function wg_address6(inet, cidr, cidr) to massacorp_api;

create function wg_interfaces_change_ipv6() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  if old.network6 is not null and new.network6 is not null then
    raise exception 'the IPv6 network does not move'
      using errcode = 'check_violation', constraint = 'wg_interfaces_network6_stays', table = 'wg_interfaces';
  end if;
  update wg_peer_status s set generation = 0
    from wg_peers p
    where p.interface_id = new.id and s.tenant_id = p.tenant_id and s.peer_id = p.id;
  return null;
end
$$;
comment on function wg_interfaces_change_ipv6() is 'With IPv6 every peer of the interface changes without a change of its row: what was seen of it before proves nothing any more.';
create trigger wg_interfaces_change_ipv6 after update of network6 on wg_interfaces
  for each row when (old.network6 is distinct from new.network6)
  execute function wg_interfaces_change_ipv6();

-- The look-up finds a peer by either address.

grant select (network, network6) on wg_interfaces to massacorp_lookup;
create policy wg_interfaces_lookup on wg_interfaces for select to massacorp_lookup using (true);

grant create on schema public to massacorp_lookup;
set role massacorp_lookup;
create or replace function lookup_peer(source inet)
  returns table (tenant_id integer, peer_id uuid, user_id integer)
  language sql stable security definer
  set search_path = pg_catalog, public, pg_temp
  as $$
    select p.tenant_id, p.id, p.user_id from public.wg_peers p
    where p.address = case family(source)
        when 4 then source
        else (
          -- Only the part of the /64 that the IPv4 network has addresses for; beyond, the difference overflows.
          select case when source <<= set_masklen(i.network6, 96 + masklen(i.network))
            then set_masklen(i.network::inet, 32) + (source - set_masklen(i.network6::inet, 128)) end
          from public.wg_interfaces i where i.network6 >>= source
        )
      end
      and p.enabled and p.deleted_at is null
      and (p.expires_at is null or p.expires_at > now())
    limit 1
  $$;
comment on function lookup_peer(inet) is 'The live peer that holds a tunnel address, of either family. Networks of interfaces do not overlap, so there is at most one.';
reset role;
revoke create on schema public from massacorp_lookup;
