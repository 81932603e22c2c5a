-- The refresh that is nearly all of them: the newest token of a session that nothing speaks against. It enters the
-- tenant by itself, as session_in_force() does, and locks, decides and writes in one statement. Whatever else a token
-- is, this changes nothing, and the API decides under the lock of the row.
create function session_rotate(
    tenant integer, session uuid, of_user integer, presented integer, at timestamptz, own_peer boolean,
    idle_at_most integer
  )
  returns table (email text, counter integer, refresh_expires_at timestamptz)
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  if current_tenant_id() is distinct from tenant then
    if current_tenant_id() is not null then
      raise exception 'already inside another tenant' using errcode = 'invalid_transaction_state';
    end if;
    perform set_config('app.tenant_id', tenant::text, true);
  end if;
  return query
    update sessions s set
      refresh_counter = s.refresh_counter + 1, refresh_rotated_at = at, last_seen_at = at,
      refresh_expires_at = least(at + make_interval(secs => least(t.session_idle_seconds, idle_at_most)), s.expires_at)
    from users u, tenants t
    where s.id = session and s.user_id = of_user and s.refresh_counter = presented
      and s.ended_at is null and s.expires_at > at
      and u.tenant_id = s.tenant_id and u.id = s.user_id and u.status = 'active'
      and t.id = s.tenant_id and t.status = 'active'
      and (own_peer or not t.login_own_peer)
      and (
        not mfa_required_of(u.id, at)
        or exists (select from mfa_factors f where f.tenant_id = u.tenant_id and f.user_id = u.id)
      )
    returning u.email, s.refresh_counter, s.refresh_expires_at;
end
$$;
comment on function session_rotate(integer, uuid, integer, integer, timestamptz, boolean, integer) is
  'Makes the next refresh token of a session current, if the newest one was presented and nothing speaks against it, entering the tenant by itself; otherwise no row, and nothing changes.';

grant execute on function session_rotate(integer, uuid, integer, integer, timestamptz, boolean, integer) to massacorp_api;

-- In PL/pgSQL they are planned once a connection; in SQL, which a function with another's rights keeps from being
-- inlined, at each call.
grant create on schema public to massacorp_lookup;
set role massacorp_lookup;

create or replace function lookup_tenant(id_or_slug text)
  returns table (tenant_id integer)
  language plpgsql stable security definer
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  return query
    select t.id from public.tenants t
    where t.slug is not null and (t.slug = id_or_slug
      -- CASE, because AND does not promise to look at the pattern before the cast.
      or t.id = case when id_or_slug ~ '^[0-9]{1,9}$' then id_or_slug::integer end)
    limit 1;
end
$$;

create or replace function lookup_peer(source inet)
  returns table (tenant_id integer, peer_id uuid, user_id integer)
  language plpgsql stable security definer
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  return query
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
    limit 1;
end
$$;

create or replace function lookup_api_key(key_prefix text)
  returns table (tenant_id integer, api_key_id uuid, user_id integer)
  language plpgsql stable security definer
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  return query select k.tenant_id, k.id, k.user_id from public.api_keys k where k.prefix = key_prefix;
end
$$;

reset role;
revoke create on schema public from massacorp_lookup;
