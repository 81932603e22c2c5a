-- What an operator decided about keys on the interface whose rows vanished.

create table wg_release_keys (
  interface_id smallint not null,
  public_key text not null,
  decided_at timestamptz not null default now(),
  constraint wg_release_keys_pkey primary key (interface_id, public_key),
  constraint wg_release_keys_interface_exists foreign key (interface_id)
    references wg_interfaces (id) on delete restrict,
  constraint wg_release_keys_public_key_is_a_key check (public_key ~ '^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$')
);
comment on table wg_release_keys is 'Keys that the daemon found on the interface without a row or tombstone, left alone, and may now take off: an operator decided so. The daemon deletes an entry once the key is proven gone, or has a row again.';

alter table wg_release_keys enable row level security;
alter table wg_release_keys force row level security;
create policy wg_release_keys_platform on wg_release_keys to massacorp_platform
  using (true) with check (true);
create policy wg_release_keys_wgd on wg_release_keys to massacorp_wgd using (true) with check (true);
grant select, insert (interface_id, public_key), delete on wg_release_keys to massacorp_platform;
grant select, delete on wg_release_keys to massacorp_wgd;
create trigger wg_release_keys_notify after insert on wg_release_keys
  for each statement execute function wg_notify_all();
