-- What tenants' peers may reach beyond the API: what the operator granted, and what the tenant opened of it.

-- wg_grants -------------------------------------------------------------------------------------------------

create table wg_grants (
  tenant_id integer not null,
  id uuid not null,
  name text not null,
  network cidr not null,
  protocol text not null,
  port_from integer,
  port_to integer,
  created_at timestamptz not null default now(),
  constraint wg_grants_pkey primary key (tenant_id, id),
  constraint wg_grants_name_is_taken unique (tenant_id, name),
  constraint wg_grants_tenant_exists foreign key (tenant_id) references tenants (id) on delete cascade,
  constraint wg_grants_name_is_printable check (name ~ '^[^[:cntrl:]]{1,64}$'),
  constraint wg_grants_network_is_not_too_wide check (
    masklen(network) >= case family(network) when 4 then 8 else 16 end
  ),
  constraint wg_grants_network_is_no_infrastructure check (
    not network && any (array[
      '0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '100.100.100.200/32', '192.0.0.192/32',
      '::/8', 'fe80::/10', 'ff00::/8', 'fd00:ec2::254/128', 'fd20:ce::254/128'
    ]::inet[])
  ),
  constraint wg_grants_protocol_is_known check (protocol in ('tcp', 'udp', 'icmp', 'any')),
  constraint wg_grants_ports_are_a_range check (
    (port_from is null) = (port_to is null) and port_from between 1 and 65535 and port_to between port_from and 65535
  ),
  constraint wg_grants_ports_belong_to_tcp_or_udp check (port_from is null or protocol in ('tcp', 'udp'))
);
comment on table wg_grants is 'Destinations outside the tunnel that the operator lets a tenant open for its peers. Never changed: what rests on a grant goes with it.';
comment on constraint wg_grants_network_is_no_infrastructure on wg_grants is 'This network, loopback, link-local, multicast and reserved, and where clouds serve their metadata (AWS, Azure and Google in link-local; Alibaba, Oracle; AWS and Google over IPv6).';
comment on column wg_grants.port_from is 'Null for every port.';

alter table wg_grants enable row level security;
alter table wg_grants force row level security;
create policy wg_grants_api on wg_grants for select to massacorp_api
  using (tenant_id = (select current_tenant_id()));
create policy wg_grants_platform on wg_grants to massacorp_platform
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
create policy wg_grants_wgd on wg_grants for select to massacorp_wgd using (true);
grant select on wg_grants to massacorp_api, massacorp_wgd;
grant select, insert (tenant_id, id, name, network, protocol, port_from, port_to), delete on wg_grants
  to massacorp_platform;

-- A grant is outside of every tunnel network, and a tunnel network outside of every grant. The lock makes one
-- wait for the other; it is released with the transaction. (network6 comes with the next migration.)
create policy wg_interfaces_platform on wg_interfaces for select to massacorp_platform using (true);
grant select on wg_interfaces to massacorp_platform;

create function wg_grants_stay_outside_tunnels() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  perform pg_advisory_xact_lock(hashtext('wg_grants and wg_interfaces'));
  if exists (select from wg_interfaces i where new.network && any (array[i.network, i.network6])) then
    raise exception 'the network overlaps that of a tunnel'
      using errcode = 'check_violation', constraint = 'wg_grants_network_is_no_tunnel', table = 'wg_grants';
  end if;
  return new;
end
$$;
comment on function wg_grants_stay_outside_tunnels() is 'What leads into a tunnel is the affair of peer_to_peer and services, never of a grant.';
create trigger wg_grants_stay_outside_tunnels before insert or update of network on wg_grants
  for each row execute function wg_grants_stay_outside_tunnels();

create function wg_interfaces_stay_outside_grants() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  if tg_op = 'UPDATE' and (new.network, new.network6) is not distinct from (old.network, old.network6) then
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
comment on function wg_interfaces_stay_outside_grants() is 'The other half of wg_grants_stay_outside_tunnels().';
create trigger wg_interfaces_stay_outside_grants before insert or update on wg_interfaces
  for each row execute function wg_interfaces_stay_outside_grants();

-- wg_policies -----------------------------------------------------------------------------------------------

create sequence wg_policy_version as bigint;
comment on sequence wg_policy_version is 'Counts every change of what a tenant opened.';
grant usage on sequence wg_policy_version to massacorp_api;

create table wg_policies (
  tenant_id integer not null,
  version bigint not null default nextval('wg_policy_version'),
  peer_to_peer boolean not null default false,
  updated_at timestamptz not null default now(),
  constraint wg_policies_pkey primary key (tenant_id),
  constraint wg_policies_tenant_exists foreign key (tenant_id) references tenants (id) on delete cascade
);
comment on table wg_policies is 'What a tenant opened for its own peers. Without a row, and where a row says nothing, they reach the API alone.';
comment on column wg_policies.version is 'Moves with every change of the row, its services and its routes; what the daemon says it applied is compared with it.';
comment on column wg_policies.peer_to_peer is 'Every peer of the tenant reaches every other on every port.';

create function wg_policies_move_version() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  new.version := nextval('wg_policy_version');
  new.updated_at := now();
  return new;
end
$$;
comment on function wg_policies_move_version() is 'No change keeps the version of what was there before.';
create trigger wg_policies_move_version before update on wg_policies
  for each row execute function wg_policies_move_version();

alter table wg_policies enable row level security;
alter table wg_policies force row level security;
create policy wg_policies_api on wg_policies to massacorp_api
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
create policy wg_policies_wgd on wg_policies for select to massacorp_wgd using (true);
grant select, insert (tenant_id, peer_to_peer), update (peer_to_peer) on wg_policies to massacorp_api;
grant select on wg_policies to massacorp_wgd;
create trigger wg_policies_notify after insert or update or delete on wg_policies
  for each statement execute function wg_notify_all();

create table wg_policy_services (
  tenant_id integer not null,
  position smallint not null,
  name text not null,
  peer_id uuid not null,
  protocol text not null,
  port_from integer not null,
  port_to integer not null,
  constraint wg_policy_services_pkey primary key (tenant_id, position),
  constraint wg_policy_services_policy_exists foreign key (tenant_id)
    references wg_policies (tenant_id) on delete cascade,
  constraint wg_policy_services_peer_exists foreign key (tenant_id, peer_id)
    references wg_peers (tenant_id, id) on delete cascade,
  constraint wg_policy_services_are_at_most_128 check (position between 1 and 128),
  constraint wg_policy_services_name_is_printable check (name ~ '^[^[:cntrl:]]{1,64}$'),
  constraint wg_policy_services_protocol_is_known check (protocol in ('tcp', 'udp')),
  constraint wg_policy_services_ports_are_a_range check (
    port_from >= 1 and port_from <= 65535 and port_to >= port_from and port_to <= 65535
  )
);
comment on table wg_policy_services is 'Ports of a peer that every peer of its tenant reaches.';
create index wg_policy_services_of_a_peer on wg_policy_services (tenant_id, peer_id);

create table wg_policy_routes (
  tenant_id integer not null,
  position smallint not null,
  grant_id uuid not null,
  network cidr not null,
  protocol text not null,
  port_from integer,
  port_to integer,
  constraint wg_policy_routes_pkey primary key (tenant_id, position),
  constraint wg_policy_routes_policy_exists foreign key (tenant_id)
    references wg_policies (tenant_id) on delete cascade,
  constraint wg_policy_routes_grant_exists foreign key (tenant_id, grant_id)
    references wg_grants (tenant_id, id) on delete cascade,
  constraint wg_policy_routes_are_at_most_128 check (position between 1 and 128),
  constraint wg_policy_routes_protocol_is_known check (protocol in ('tcp', 'udp', 'icmp', 'any')),
  constraint wg_policy_routes_ports_are_a_range check (
    (port_from is null) = (port_to is null) and port_from between 1 and 65535 and port_to between port_from and 65535
  ),
  constraint wg_policy_routes_ports_belong_to_tcp_or_udp check (port_from is null or protocol in ('tcp', 'udp'))
);
comment on table wg_policy_routes is 'Destinations outside the tunnel that every peer of the tenant reaches. Each rests on a grant, lies within it, and goes with it.';
create index wg_policy_routes_on_a_grant on wg_policy_routes (tenant_id, grant_id);

create function wg_policy_routes_stay_within_grants() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  -- Where there is no such grant, the foreign key says so.
  if exists (
    select from wg_grants g
    where g.tenant_id = new.tenant_id and g.id = new.grant_id and not (
      new.network <<= g.network
      and (g.protocol = 'any' or g.protocol = new.protocol)
      and (g.port_from is null or coalesce(new.port_from >= g.port_from and new.port_to <= g.port_to, false)))
  ) then
    raise exception 'the route is not within its grant'
      using errcode = 'check_violation', constraint = 'wg_policy_routes_are_granted', table = 'wg_policy_routes';
  end if;
  return new;
end
$$;
comment on function wg_policy_routes_stay_within_grants() is 'A tenant opens nothing that the operator did not grant.';
create trigger wg_policy_routes_stay_within_grants before insert or update on wg_policy_routes
  for each row execute function wg_policy_routes_stay_within_grants();

-- What goes with a peer or a grant changes the policy as much as what the tenant changes itself. Before and by
-- row, because a cascade runs that as the owner: the daemon that purges a peer, and the operator who withdraws a
-- grant, need no right to policies.
create function wg_policies_lose_an_entry() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  update wg_policies p set peer_to_peer = p.peer_to_peer where p.tenant_id = old.tenant_id;
  return old;
end
$$;
comment on function wg_policies_lose_an_entry() is 'Moves the version, and so tells the daemons, when a service or a route goes, however it goes.';
create trigger wg_policy_services_move_version before delete on wg_policy_services
  for each row execute function wg_policies_lose_an_entry();
create trigger wg_policy_routes_move_version before delete on wg_policy_routes
  for each row execute function wg_policies_lose_an_entry();

alter table wg_policy_services enable row level security;
alter table wg_policy_services force row level security;
create policy wg_policy_services_api on wg_policy_services to massacorp_api
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
create policy wg_policy_services_wgd on wg_policy_services for select to massacorp_wgd using (true);
grant select, insert (tenant_id, position, name, peer_id, protocol, port_from, port_to), delete
  on wg_policy_services to massacorp_api;
grant select on wg_policy_services to massacorp_wgd;

alter table wg_policy_routes enable row level security;
alter table wg_policy_routes force row level security;
create policy wg_policy_routes_api on wg_policy_routes to massacorp_api
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
create policy wg_policy_routes_wgd on wg_policy_routes for select to massacorp_wgd using (true);
grant select, insert (tenant_id, position, grant_id, network, protocol, port_from, port_to), delete
  on wg_policy_routes to massacorp_api;
grant select on wg_policy_routes to massacorp_wgd;

-- wg_policy_status ------------------------------------------------------------------------------------------

create table wg_policy_status (
  tenant_id integer not null,
  version bigint not null,
  state text not null,
  error text,
  changed_at timestamptz not null default now(),
  constraint wg_policy_status_pkey primary key (tenant_id),
  constraint wg_policy_status_policy_exists foreign key (tenant_id)
    references wg_policies (tenant_id) on delete cascade,
  constraint wg_policy_status_state_is_known check (state in ('applied', 'rejected')),
  constraint wg_policy_status_rejection_is_explained check ((state = 'rejected') = (error is not null))
);
comment on table wg_policy_status is 'What became of a policy on the wire, written by the daemon on change only.';
comment on column wg_policy_status.state is 'applied: this version is in the kernel''s rules; rejected: nothing of it is, and the tenant''s peers reach the API alone.';

alter table wg_policy_status enable row level security;
alter table wg_policy_status force row level security;
create policy wg_policy_status_api on wg_policy_status for select to massacorp_api
  using (tenant_id = (select current_tenant_id()));
create policy wg_policy_status_wgd on wg_policy_status to massacorp_wgd using (true) with check (true);
grant select on wg_policy_status to massacorp_api;
grant select, insert (tenant_id, version, state, error, changed_at), update (version, state, error, changed_at)
  on wg_policy_status to massacorp_wgd;

-- An enrolment peer is never let beyond the API.
grant select (kind) on wg_peers to massacorp_wgd;
