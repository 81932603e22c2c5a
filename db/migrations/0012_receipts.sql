-- What proves that a peer or a key was read back gone, after its row went.

alter table wg_interfaces
  add column receipt_key text,
  add constraint wg_interfaces_receipt_key_is_a_key check (receipt_key ~ '^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$');
comment on column wg_interfaces.receipt_key is 'Ed25519 public key, in base64, that the daemon''s receipts are verified with. Published by the daemon; the private half derives from the gateway''s private key and stays beside it.';
grant insert (receipt_key), update (receipt_key) on wg_interfaces to massacorp_wgd;

create table wg_receipts (
  tenant_id integer not null,
  id bigint generated always as identity,
  peer_id uuid not null,
  interface_id smallint not null,
  what text not null,
  public_key text not null,
  gateway_key text not null,
  read_back_at timestamptz(3) not null,
  receipt_key text not null,
  signature bytea not null,
  constraint wg_receipts_pkey primary key (tenant_id, id),
  constraint wg_receipts_tenant_exists foreign key (tenant_id) references tenants (id) on delete restrict,
  constraint wg_receipts_interface_exists foreign key (interface_id)
    references wg_interfaces (id) on delete restrict,
  constraint wg_receipts_what_is_known check (what in ('peer', 'key')),
  constraint wg_receipts_public_key_is_a_key check (public_key ~ '^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$'),
  constraint wg_receipts_gateway_key_is_a_key check (gateway_key ~ '^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$'),
  constraint wg_receipts_receipt_key_is_a_key check (receipt_key ~ '^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$'),
  constraint wg_receipts_signature_is_ed25519 check (octet_length(signature) = 64)
);
comment on table wg_receipts is 'When the daemon read an interface back without a removed peer, or without a key that a peer had before; signed. Written in the transaction that deletes the tombstone, kept for 400 days, never changed.';
comment on column wg_receipts.peer_id is 'No foreign key: a receipt outlives its peer.';
comment on column wg_receipts.what is 'peer: the peer was removed; key: the peer got another key, and this one went.';
comment on column wg_receipts.gateway_key is 'Public key of the gateway whose interface was read back.';
comment on column wg_receipts.read_back_at is 'By the clock of the gateway''s host, in milliseconds, because the signature covers its text.';
comment on column wg_receipts.receipt_key is 'What the signature is verified with. To be compared with wg_interfaces.receipt_key, or with a record of your own where the gateway''s key has changed since.';
comment on column wg_receipts.signature is 'Ed25519 over the text that docs/decisions/0025-receipts.md defines.';
create index wg_receipts_of_a_peer on wg_receipts (tenant_id, peer_id);
create index wg_receipts_by_age on wg_receipts (read_back_at);

alter table wg_receipts enable row level security;
alter table wg_receipts force row level security;
create policy wg_receipts_api on wg_receipts for select to massacorp_api
  using (tenant_id = (select current_tenant_id()));
create policy wg_receipts_wgd_writes on wg_receipts for insert to massacorp_wgd with check (true);
-- The daemon sees and deletes what is too old, and nothing else: what it wrote it cannot take back.
create policy wg_receipts_wgd_sees_old on wg_receipts for select to massacorp_wgd
  using (read_back_at < now() - interval '400 days');
create policy wg_receipts_wgd_drops_old on wg_receipts for delete to massacorp_wgd
  using (read_back_at < now() - interval '400 days');
grant select on wg_receipts to massacorp_api;
grant insert (tenant_id, peer_id, interface_id, what, public_key, gateway_key, read_back_at, receipt_key, signature),
  select (tenant_id, id, read_back_at), delete
  on wg_receipts to massacorp_wgd;
