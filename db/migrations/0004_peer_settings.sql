-- What a tenant sets for its peers, and how many it may have.

alter table tenants
  add column wg_dns inet[],
  add column wg_mtu integer,
  add column wg_persistent_keepalive integer,
  add column wg_client_allowed_ips cidr[],
  add column peer_quota integer,
  add column user_peer_quota integer not null default 5,
  add column login_own_peer boolean not null default false,
  add constraint tenants_wg_mtu_is_usable check (wg_mtu between 1280 and 9000),
  add constraint tenants_wg_keepalive_is_16_bit check (wg_persistent_keepalive between 0 and 65535),
  add constraint tenants_wg_lists_are_bounded check (
    coalesce(cardinality(wg_client_allowed_ips), 0) <= 64 and coalesce(cardinality(wg_dns), 0) <= 8
  ),
  add constraint tenants_peer_quota_counts_peers check (peer_quota >= 0),
  add constraint tenants_user_peer_quota_counts_peers check (user_peer_quota between 0 and 1000);
comment on column tenants.wg_dns is 'Resolvers for clients of peers that set none of their own.';
comment on column tenants.wg_mtu is 'MTU for clients of peers that set none of their own.';
comment on column tenants.wg_persistent_keepalive is 'Seconds, for clients of peers that set none of their own.';
comment on column tenants.wg_client_allowed_ips is 'What clients of peers that set nothing of their own route into the tunnel; null for the API and the gateway alone.';
comment on column tenants.peer_quota is 'Peers the tenant may have; null for as many as there are addresses. The operator sets it.';
comment on column tenants.user_peer_quota is 'Peers a user may make for himself. The tenant sets it.';

comment on column tenants.login_own_peer is 'Whether a user logs in through a peer of his own alone. The tenant sets it.';

grant update (wg_dns, wg_mtu, wg_persistent_keepalive, wg_client_allowed_ips, user_peer_quota, login_own_peer)
  on tenants to massacorp_api;
grant update (peer_quota) on tenants to massacorp_platform;

-- An admin may hand a peer to another user.
grant update (user_id) on wg_peers to massacorp_api;
