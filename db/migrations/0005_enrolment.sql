-- One-time delivery of client files, and peers for those who have no tunnel yet.

create table wg_deliveries (
  tenant_id integer not null,
  token_digest bytea not null,
  peer_id uuid not null,
  sealed_config bytea not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  constraint wg_deliveries_pkey primary key (tenant_id, token_digest),
  constraint wg_deliveries_peer_exists foreign key (tenant_id, peer_id)
    references wg_peers (tenant_id, id) on delete cascade,
  constraint wg_deliveries_one_a_peer unique (tenant_id, peer_id),
  constraint wg_deliveries_token_is_a_sha256 check (octet_length(token_digest) = 32),
  constraint wg_deliveries_config_is_bounded check (octet_length(sealed_config) between 30 and 16384),
  constraint wg_deliveries_last_minutes check (expires_at <= created_at + interval '1 hour')
);
comment on table wg_deliveries is 'Client files that wait to be fetched once. The key they are sealed under comes from the token alone, of which only the digest is here.';
comment on column wg_deliveries.token_digest is 'SHA-256 of a token of 256 random bits.';
create index wg_deliveries_that_expire on wg_deliveries (expires_at);

alter table wg_deliveries enable row level security;
alter table wg_deliveries force row level security;
create policy wg_deliveries_api on wg_deliveries to massacorp_api
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
grant select, delete on wg_deliveries to massacorp_api;
grant insert (tenant_id, token_digest, peer_id, sealed_config, created_at, expires_at) on wg_deliveries
  to massacorp_api;
