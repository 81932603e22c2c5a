-- The interface, its addresses, its peers, and what the daemon saw of them.

-- wg_interfaces ---------------------------------------------------------------------------------------------

create table wg_interfaces (
  id smallint not null,
  name text not null,
  network cidr not null,
  gateway inet generated always as (set_masklen(network::inet, 32) + 1) stored,
  api_address inet generated always as (set_masklen(network::inet, 32) + 2) stored,
  listen_port integer not null,
  endpoint text not null,
  mtu integer not null,
  public_key text,
  address_rest interval not null default interval '1 hour',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint wg_interfaces_pkey primary key (id),
  constraint wg_interfaces_name_is_taken unique (name),
  constraint wg_interfaces_name_is_one_of_linux check (name ~ '^[a-zA-Z0-9_=+.-]{1,15}$'),
  constraint wg_interfaces_network_is_ipv4 check (family(network) = 4),
  constraint wg_interfaces_network_is_12_to_28 check (masklen(network) between 12 and 28),
  constraint wg_interfaces_networks_do_not_overlap exclude using gist (network inet_ops with &&),
  constraint wg_interfaces_port_is_a_port check (listen_port between 1 and 65535),
  constraint wg_interfaces_endpoint_has_a_port check (endpoint ~ '^[^[:space:][:cntrl:]]{1,253}:[0-9]{1,5}$'),
  constraint wg_interfaces_mtu_is_usable check (mtu between 1280 and 9000),
  constraint wg_interfaces_public_key_is_a_key check (public_key ~ '^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$'),
  constraint wg_interfaces_addresses_rest_up_to_30_days check (address_rest between interval '0' and interval '30 days')
);
comment on table wg_interfaces is 'A WireGuard interface and the network behind it. Its daemon writes it; the API only reads.';
comment on column wg_interfaces.public_key is 'Published by the daemon. The private key never leaves the host it was made on.';
comment on column wg_interfaces.endpoint is 'host:port that clients dial.';
comment on column wg_interfaces.address_rest is 'How long a released address waits before somebody else gets it.';

alter table wg_interfaces enable row level security;
alter table wg_interfaces force row level security;
create policy wg_interfaces_api on wg_interfaces for select to massacorp_api using (true);
create policy wg_interfaces_wgd on wg_interfaces to massacorp_wgd using (true) with check (true);
grant select on wg_interfaces to massacorp_api, massacorp_wgd;
grant insert (id, name, network, listen_port, endpoint, mtu, public_key, address_rest),
  update (name, network, listen_port, endpoint, mtu, public_key, address_rest)
  on wg_interfaces to massacorp_wgd;
create trigger wg_interfaces_touch before update on wg_interfaces
  for each row execute function touch_updated_at();

-- wg_ip_pool ------------------------------------------------------------------------------------------------

create table wg_ip_pool (
  interface_id smallint not null,
  address inet not null,
  free_from timestamptz,
  constraint wg_ip_pool_pkey primary key (interface_id, address),
  constraint wg_ip_pool_interface_exists foreign key (interface_id)
    references wg_interfaces (id) on delete restrict,
  constraint wg_ip_pool_address_is_one_host check (family(address) = 4 and masklen(address) = 32)
);
comment on table wg_ip_pool is 'Every address that a peer may hold. It says only whether an address is free, never whose it is, so that a tenant can take the lowest free one without seeing the others; that two peers never share one is the unique constraint on wg_peers.';
comment on column wg_ip_pool.free_from is 'Null while a peer holds it; otherwise when it may be given out (in the future while it rests).';
create index wg_ip_pool_free on wg_ip_pool (interface_id, address) where free_from is not null;

alter table wg_ip_pool enable row level security;
alter table wg_ip_pool force row level security;
create policy wg_ip_pool_api on wg_ip_pool to massacorp_api using (true) with check (true);
create policy wg_ip_pool_wgd on wg_ip_pool to massacorp_wgd using (true) with check (true);
grant select, update (free_from) on wg_ip_pool to massacorp_api, massacorp_wgd;
grant insert (interface_id, address, free_from) on wg_ip_pool to massacorp_wgd;

create function wg_pool_addresses(network cidr) returns setof inet
  language sql immutable
  set search_path = pg_catalog, pg_temp
  as $$
    select set_masklen(network::inet, 32) + n
    from generate_series(6, (1 << (32 - masklen(network))) - 2) as n
    where n <> least(254, (1 << (32 - masklen(network))) - 2)
  $$;
comment on function wg_pool_addresses(cidr) is 'The addresses of a network that peers may hold: all but the network and broadcast address, offsets 1 to 5 (gateway, API, reserved), and offset 254 (in a network smaller than /24, the last host).';
grant execute on function wg_pool_addresses(cidr) to massacorp_wgd;

create function wg_interfaces_fill_pool() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  if tg_op = 'UPDATE' then
    if host(new.network) <> host(old.network) or masklen(new.network) > masklen(old.network) then
      raise exception 'a network can only grow, and keeps its first address'
        using errcode = 'check_violation', constraint = 'wg_interfaces_network_only_grows', table = 'wg_interfaces';
    end if;
    if new.network = old.network then
      return null;
    end if;
  end if;
  insert into wg_ip_pool (interface_id, address, free_from)
    select new.id, address, '-infinity' from wg_pool_addresses(new.network) as address
    on conflict do nothing;
  return null;
end
$$;
comment on function wg_interfaces_fill_pool() is 'Fills the pool when an interface appears or its network grows.';
create trigger wg_interfaces_fill_pool after insert or update of network on wg_interfaces
  for each row execute function wg_interfaces_fill_pool();

-- wg_peers --------------------------------------------------------------------------------------------------

create sequence wg_peer_generation as bigint;
comment on sequence wg_peer_generation is 'Counts every change that the interface must follow.';
grant usage on sequence wg_peer_generation to massacorp_api, massacorp_wgd;

create table wg_peers (
  tenant_id integer not null,
  id uuid not null,
  interface_id smallint not null,
  user_id integer,
  name text not null,
  kind text not null default 'permanent',
  public_key text not null,
  preshared_key bytea,
  address inet not null,
  enabled boolean not null default true,
  expires_at timestamptz,
  deleted_at timestamptz,
  generation bigint not null default nextval('wg_peer_generation'),
  client_allowed_ips cidr[],
  dns inet[],
  mtu integer,
  persistent_keepalive integer,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint wg_peers_pkey primary key (tenant_id, id),
  constraint wg_peers_tenant_exists foreign key (tenant_id) references tenants (id) on delete restrict,
  constraint wg_peers_user_exists foreign key (tenant_id, user_id)
    references users (tenant_id, id) on delete restrict,
  constraint wg_peers_interface_exists foreign key (interface_id)
    references wg_interfaces (id) on delete restrict,
  constraint wg_peers_address_is_in_the_pool foreign key (interface_id, address)
    references wg_ip_pool (interface_id, address) on delete restrict,
  constraint wg_peers_address_is_held_once unique (interface_id, address),
  constraint wg_peers_public_key_is_taken unique (interface_id, public_key),
  constraint wg_peers_name_is_printable check (name ~ '^[^[:cntrl:]]{1,64}$'),
  constraint wg_peers_kind_is_known check (kind in ('permanent', 'enrolment')),
  constraint wg_peers_enrolment_ends_within_a_day check (
    kind <> 'enrolment' or (expires_at is not null and expires_at <= created_at + interval '24 hours')
  ),
  constraint wg_peers_public_key_is_a_key check (public_key ~ '^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$'),
  constraint wg_peers_preshared_key_is_sealed check (octet_length(preshared_key) = 73),
  constraint wg_peers_mtu_is_usable check (mtu between 1280 and 9000),
  constraint wg_peers_keepalive_is_16_bit check (persistent_keepalive between 0 and 65535),
  constraint wg_peers_lists_are_bounded check (
    coalesce(cardinality(client_allowed_ips), 0) <= 64 and coalesce(cardinality(dns), 0) <= 8
  )
);
comment on table wg_peers is 'The desired peers. A removed one stays as a tombstone, holding its address and key, until the daemon has read the interface back without it.';
comment on column wg_peers.user_id is 'Its owner; null for a machine. A peer with an owner who is inactive is not on the interface.';
comment on column wg_peers.preshared_key is 'Version, nonce, 44 bytes of base64 and tag: AES-256-GCM under the preshared-key subkey, bound to this row and public key.';
comment on column wg_peers.generation is 'Grows with every change the interface must follow; columns that only shape the client''s file leave it alone.';
comment on column wg_peers.deleted_at is 'Set by removal. The daemon deletes the row once the peer is proven gone.';
comment on column wg_peers.client_allowed_ips is 'What the client routes into the tunnel; null for the API and the gateway alone. The server routes to a peer its own address and nothing else.';
create index wg_peers_of_a_user on wg_peers (tenant_id, user_id) where user_id is not null;
create index wg_peers_that_expire on wg_peers (expires_at) where expires_at is not null;

create function wg_peers_keep_generation() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  if new.deleted_at is null and old.deleted_at is not null then
    raise exception 'a removed peer stays removed'
      using errcode = 'check_violation', constraint = 'wg_peers_removal_is_final', table = 'wg_peers';
  end if;
  if (new.interface_id, new.user_id, new.public_key, new.preshared_key, new.address, new.enabled, new.expires_at, new.deleted_at)
    is distinct from
     (old.interface_id, old.user_id, old.public_key, old.preshared_key, old.address, old.enabled, old.expires_at, old.deleted_at)
  then
    new.generation := nextval('wg_peer_generation');
  else
    new.generation := old.generation;
  end if;
  return new;
end
$$;
comment on function wg_peers_keep_generation() is 'Moves generation exactly when the interface must follow, and refuses to revive a tombstone.';
create trigger wg_peers_generation before update on wg_peers
  for each row execute function wg_peers_keep_generation();
create trigger wg_peers_touch before update on wg_peers
  for each row execute function touch_updated_at();

create function wg_peers_refuse_gateway_key() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  if exists (select from wg_interfaces i where i.public_key = new.public_key) then
    raise exception 'the key belongs to a gateway'
      using errcode = 'check_violation', constraint = 'wg_peers_public_key_is_no_gateway', table = 'wg_peers';
  end if;
  return new;
end
$$;
comment on function wg_peers_refuse_gateway_key() is 'wg(8) ignores a peer that has the interface''s own key, so such a row could never be applied.';
create trigger wg_peers_gateway_key before insert or update of public_key on wg_peers
  for each row execute function wg_peers_refuse_gateway_key();

create function wg_peers_release_address() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  update wg_ip_pool p
    set free_from = now() + i.address_rest
    from wg_interfaces i
    where i.id = old.interface_id and p.interface_id = old.interface_id and p.address = old.address;
  return null;
end
$$;
comment on function wg_peers_release_address() is 'However a row goes, its address goes back to the pool in the same transaction, to rest.';
create trigger wg_peers_release_address after delete on wg_peers
  for each row execute function wg_peers_release_address();

alter table wg_peers enable row level security;
alter table wg_peers force row level security;
create policy wg_peers_api on wg_peers to massacorp_api
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
create policy wg_peers_wgd_reads on wg_peers for select to massacorp_wgd using (true);
create policy wg_peers_wgd_purges_tombstones on wg_peers for delete to massacorp_wgd
  using (deleted_at is not null);
create policy wg_peers_lookup on wg_peers for select to massacorp_lookup using (true);
grant select on wg_peers to massacorp_api;
grant insert (tenant_id, id, interface_id, user_id, name, kind, public_key, preshared_key, address, enabled, expires_at, client_allowed_ips, dns, mtu, persistent_keepalive, created_at)
  on wg_peers to massacorp_api;
grant update (name, public_key, preshared_key, enabled, expires_at, deleted_at, client_allowed_ips, dns, mtu, persistent_keepalive)
  on wg_peers to massacorp_api;
grant select (tenant_id, id, interface_id, user_id, public_key, preshared_key, address, enabled, expires_at, deleted_at, generation), delete
  on wg_peers to massacorp_wgd;
grant select (tenant_id, id, user_id, address, enabled, expires_at, deleted_at) on wg_peers to massacorp_lookup;

-- wg_retired_keys -------------------------------------------------------------------------------------------

create table wg_retired_keys (
  tenant_id integer not null,
  peer_id uuid not null,
  interface_id smallint not null,
  public_key text not null,
  retired_at timestamptz not null default now(),
  constraint wg_retired_keys_pkey primary key (interface_id, public_key),
  constraint wg_retired_keys_interface_exists foreign key (interface_id)
    references wg_interfaces (id) on delete restrict,
  constraint wg_retired_keys_tenant_exists foreign key (tenant_id) references tenants (id) on delete restrict
);
comment on table wg_retired_keys is 'Tombstones of keys: what a rotation replaced, and any key whose row was deleted. They explain to the daemon why it may take a key off; it deletes them once the key is proven gone.';

create function wg_peers_retire_key() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  -- A row that the daemon purges was a tombstone itself, and its key is proven gone.
  if tg_op = 'DELETE' and old.deleted_at is not null then
    return null;
  end if;
  if tg_op = 'UPDATE' and new.public_key = old.public_key then
    return null;
  end if;
  insert into wg_retired_keys (tenant_id, peer_id, interface_id, public_key)
    values (old.tenant_id, old.id, old.interface_id, old.public_key)
    on conflict do nothing;
  return null;
end
$$;
comment on function wg_peers_retire_key() is 'No key leaves wg_peers without a tombstone.';
create trigger wg_peers_retire_key after delete or update of public_key on wg_peers
  for each row execute function wg_peers_retire_key();

alter table wg_retired_keys enable row level security;
alter table wg_retired_keys force row level security;
create policy wg_retired_keys_api on wg_retired_keys for insert to massacorp_api
  with check (tenant_id = (select current_tenant_id()));
create policy wg_retired_keys_wgd on wg_retired_keys to massacorp_wgd using (true) with check (true);
grant insert (tenant_id, peer_id, interface_id, public_key) on wg_retired_keys to massacorp_api;
grant select, delete on wg_retired_keys to massacorp_wgd;

-- wg_peer_status --------------------------------------------------------------------------------------------

create table wg_peer_status (
  tenant_id integer not null,
  peer_id uuid not null,
  generation bigint not null,
  state text not null,
  error text,
  changed_at timestamptz not null default now(),
  constraint wg_peer_status_pkey primary key (tenant_id, peer_id),
  constraint wg_peer_status_peer_exists foreign key (tenant_id, peer_id)
    references wg_peers (tenant_id, id) on delete cascade,
  constraint wg_peer_status_state_is_known check (state in ('applied', 'removed', 'failed', 'held')),
  constraint wg_peer_status_trouble_is_explained check ((state in ('failed', 'held')) = (error is not null))
);
comment on table wg_peer_status is 'What the daemon saw on the interface, written on change only; apart from wg_peers so that an observation is not a change to be observed.';
comment on column wg_peer_status.generation is 'The generation of the row that this state was reached for.';
comment on column wg_peer_status.state is 'applied: accepted by wg, and read back as desired by the next full pass at the latest; removed: read back without it; failed, held: see error.';

alter table wg_peer_status enable row level security;
alter table wg_peer_status force row level security;
create policy wg_peer_status_api on wg_peer_status for select to massacorp_api
  using (tenant_id = (select current_tenant_id()));
create policy wg_peer_status_wgd on wg_peer_status to massacorp_wgd using (true) with check (true);
grant select on wg_peer_status to massacorp_api;
grant select, insert (tenant_id, peer_id, generation, state, error, changed_at),
  update (generation, state, error, changed_at), delete
  on wg_peer_status to massacorp_wgd;

-- Notifications ---------------------------------------------------------------------------------------------

create function wg_notify_peer() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform pg_notify('wg_desired', (coalesce(new.id, old.id))::text);
  return null;
end
$$;
comment on function wg_notify_peer() is 'Tells the daemons which peer to look at again. The payload is an id and nothing else.';
create trigger wg_peers_notify_insert after insert on wg_peers
  for each row execute function wg_notify_peer();
create trigger wg_peers_notify_update after update on wg_peers
  for each row when (old.generation is distinct from new.generation) execute function wg_notify_peer();
create trigger wg_peers_notify_delete after delete on wg_peers
  for each row when (old.deleted_at is null) execute function wg_notify_peer();

create function wg_notify_all() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform pg_notify('wg_desired', '*');
  return null;
end
$$;
comment on function wg_notify_all() is 'Tells the daemons to look at everything again, where one change decides over many peers.';
create trigger users_notify_status after update of status on users
  for each row when (old.status is distinct from new.status) execute function wg_notify_all();
create trigger tenants_notify_status after update of status on tenants
  for each row when (old.status is distinct from new.status) execute function wg_notify_all();
create trigger wg_interfaces_notify after insert or update on wg_interfaces
  for each row execute function wg_notify_all();
