-- A lock a user filled the server's table of locks where many users are given roles in one transaction; a lock a tenant
-- does not, and is its own, so that nobody who waits for it holds what its holder waits for.
create or replace function user_roles_hold_to_their_number() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  perform pg_advisory_xact_lock(4, new.tenant_id);
  if (
    select count(*) from user_roles h where h.tenant_id = new.tenant_id and h.user_id = new.user_id
  ) > 20 then
    raise exception 'the user has as many roles as he may'
      using errcode = 'check_violation', constraint = 'user_roles_of_a_user_are_at_most_20', table = 'user_roles';
  end if;
  return null;
end
$$;
