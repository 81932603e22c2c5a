-- What the daemon saw of peers that speak: bytes, endpoint, handshake, and when they came and went.

create table wg_peer_traffic (
  tenant_id integer not null,
  peer_id uuid not null,
  received_bytes bigint not null default 0,
  sent_bytes bigint not null default 0,
  public_key text,
  key_received_bytes bigint not null default 0,
  key_sent_bytes bigint not null default 0,
  endpoint text,
  last_handshake_at timestamptz,
  online_since timestamptz,
  events bigint not null default 0,
  seen_at timestamptz not null default now(),
  constraint wg_peer_traffic_pkey primary key (tenant_id, peer_id),
  constraint wg_peer_traffic_peer_exists foreign key (tenant_id, peer_id)
    references wg_peers (tenant_id, id) on delete cascade,
  constraint wg_peer_traffic_counts_up_from_nothing check (
    received_bytes >= 0 and sent_bytes >= 0 and key_received_bytes >= 0 and key_sent_bytes >= 0 and events >= 0
  ),
  constraint wg_peer_traffic_endpoint_is_bounded check (octet_length(endpoint) between 3 and 80)
)
-- Counters are no part of an index, so an update finds room on its own page.
with (fillfactor = 70);
comment on table wg_peer_traffic is 'What a peer sent and received over all its keys and all lives of the interface. Written in batches and apart from wg_peer_status, so that what happens to a peer is no change of it; nobody is notified. A peer that never spoke has no row.';
comment on column wg_peer_traffic.received_bytes is 'As the gateway counts: what the peer sent, handshakes included. Never less than before.';
comment on column wg_peer_traffic.sent_bytes is 'What the gateway sent to the peer.';
comment on column wg_peer_traffic.public_key is 'The key whose counters the next two columns are; null while the peer is not on the interface.';
comment on column wg_peer_traffic.key_received_bytes is 'What WireGuard said of that key when the totals were made. A later, smaller value is another life of the key, and counts in full.';
comment on column wg_peer_traffic.endpoint is 'The client''s address and port outside the tunnel: for the tenant''s own admins and the owner.';
comment on column wg_peer_traffic.online_since is 'The handshake with which it came; null once it has gone.';
comment on column wg_peer_traffic.events is 'How many events it ever had; the number of the latest.';
comment on column wg_peer_traffic.seen_at is 'When this was written.';

create function wg_peer_traffic_never_runs_backwards() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if new.received_bytes < old.received_bytes or new.sent_bytes < old.sent_bytes or new.events < old.events then
    raise exception 'a counter never runs backwards'
      using errcode = 'check_violation', constraint = 'wg_peer_traffic_never_runs_backwards', table = 'wg_peer_traffic';
  end if;
  return new;
end
$$;
comment on function wg_peer_traffic_never_runs_backwards() is 'Holds counters to their promise, whoever writes.';
create trigger wg_peer_traffic_never_runs_backwards before update on wg_peer_traffic
  for each row execute function wg_peer_traffic_never_runs_backwards();

alter table wg_peer_traffic enable row level security;
alter table wg_peer_traffic force row level security;
create policy wg_peer_traffic_api on wg_peer_traffic for select to massacorp_api
  using (tenant_id = (select current_tenant_id()));
create policy wg_peer_traffic_wgd on wg_peer_traffic to massacorp_wgd using (true) with check (true);
grant select (tenant_id, peer_id, received_bytes, sent_bytes, endpoint, last_handshake_at, online_since, seen_at)
  on wg_peer_traffic to massacorp_api;
grant select, insert (tenant_id, peer_id),
  update (received_bytes, sent_bytes, public_key, key_received_bytes, key_sent_bytes, endpoint,
    last_handshake_at, online_since, events, seen_at)
  on wg_peer_traffic to massacorp_wgd;

create table wg_peer_events (
  tenant_id integer not null,
  peer_id uuid not null,
  n bigint not null,
  kind text not null,
  at timestamptz not null,
  endpoint text,
  constraint wg_peer_events_pkey primary key (tenant_id, peer_id, n),
  -- Not to wg_peers: who writes here holds the row it points to already, and never waits for a removal.
  constraint wg_peer_events_peer_spoke foreign key (tenant_id, peer_id)
    references wg_peer_traffic (tenant_id, peer_id) on delete cascade,
  constraint wg_peer_events_kind_is_known check (kind in ('connected', 'disconnected', 'endpoint_changed')),
  constraint wg_peer_events_endpoint_is_bounded check (octet_length(endpoint) between 3 and 80)
);
comment on table wg_peer_events is 'When peers came, went, and spoke from another address: the latest 1,000 of each peer, and 30 days at most. They go with their peer.';
comment on column wg_peer_events.n is 'Counts the events of the peer.';
comment on column wg_peer_events.endpoint is 'The client''s address and port outside the tunnel, at that time.';
create index wg_peer_events_by_time on wg_peer_events (at);

alter table wg_peer_events enable row level security;
alter table wg_peer_events force row level security;
create policy wg_peer_events_api on wg_peer_events for select to massacorp_api
  using (tenant_id = (select current_tenant_id()));
create policy wg_peer_events_wgd_reads on wg_peer_events for select to massacorp_wgd using (true);
create policy wg_peer_events_wgd_notes on wg_peer_events for insert to massacorp_wgd with check (true);
-- Retention, and nothing else: what is within it cannot be erased.
create policy wg_peer_events_wgd_forgets_old on wg_peer_events for delete to massacorp_wgd
  using (at < now() - interval '30 days' or n <= (
    select t.events - 1000 from wg_peer_traffic t
    where t.tenant_id = wg_peer_events.tenant_id and t.peer_id = wg_peer_events.peer_id));
grant select on wg_peer_events to massacorp_api;
grant select, insert (tenant_id, peer_id, n, kind, at, endpoint), delete on wg_peer_events to massacorp_wgd;
