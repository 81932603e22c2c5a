-- Two daemons come to count one peer, where it moves: which of them counts now, so that neither overwrites the other.
alter table wg_peer_traffic add column interface_id smallint;
comment on column wg_peer_traffic.interface_id is 'The gateway whose daemon counts; null for the peer''s own. The daemon of the gateway that it is on takes it over with what is recorded, and goes on from there.';
grant insert (interface_id), update (interface_id) on wg_peer_traffic to massacorp_wgd;
