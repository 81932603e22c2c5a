-- What is sealed names its key from now on, so that ENCRYPTION_KEY can be changed: eight bytes more.
alter table wg_peers
  drop constraint wg_peers_preshared_key_is_sealed,
  add constraint wg_peers_preshared_key_is_sealed check (octet_length(preshared_key) in (73, 81)),
  drop constraint wg_peers_successor_preshared_key_is_sealed,
  add constraint wg_peers_successor_preshared_key_is_sealed check (
    octet_length(successor_preshared_key) in (73, 81) and successor_public_key is not null
    or successor_preshared_key is null
  );
comment on column wg_peers.preshared_key is 'Version 2, name of the subkey, nonce, 44 bytes of base64 and tag: AES-256-GCM under a preshared-key subkey, bound to this row and public key. Version 1 names none.';

create function sealed_under(sealed bytea) returns text
  language sql immutable
  return case when sealed is null then null
    when get_byte(sealed, 0) = 2 then encode(substring(sealed from 2 for 8), 'hex')
    else 'unnamed' end;
comment on function sealed_under(bytea) is 'The name of the key that a sealed value takes to be opened; unnamed for one of version 1.';
grant execute on function sealed_under(bytea) to massacorp_api, massacorp_lookup;

-- Which keys are still needed has to be asked across tenants: at the start, and before one is dropped.
create policy mfa_recovery_codes_lookup on mfa_recovery_codes for select to massacorp_lookup using (true);
grant select (key_id, used_at) on mfa_recovery_codes to massacorp_lookup;
grant select (preshared_key, successor_preshared_key) on wg_peers to massacorp_lookup;
grant select (sealed_letter) on mails to massacorp_lookup;

create function lookup_sealed()
  returns table (kind text, key_id text, count integer)
  language sql stable security definer
  set search_path = pg_catalog, public, pg_temp
  as $$
    select s.kind, s.key_id, count(*)::integer from (
      select 'preshared_key' as kind, public.sealed_under(p.preshared_key) as key_id
        from public.wg_peers p where p.deleted_at is null
      union all
      select 'preshared_key', public.sealed_under(p.successor_preshared_key)
        from public.wg_peers p where p.deleted_at is null
      union all
      select 'mail', public.sealed_under(m.sealed_letter) from public.mails m where m.state = 'queued'
      union all
      select 'second_factor', f.key_id from public.mfa_factors f
      union all
      select 'recovery_code', c.key_id from public.mfa_recovery_codes c where c.used_at is null
    ) s where s.key_id is not null group by s.kind, s.key_id order by s.kind, s.key_id
  $$;
comment on function lookup_sealed() is 'How many values of each kind each key seals, of all tenants together: for the operator, who drops a key when it is zero.';

grant create on schema public to massacorp_lookup;
alter function lookup_sealed() owner to massacorp_lookup;
revoke create on schema public from massacorp_lookup;
set role massacorp_lookup;
revoke execute on function lookup_sealed() from public;
grant execute on function lookup_sealed() to massacorp_api;
reset role;
