-- Every request is proven with the roles of its user, before anything of it is counted: so their number has a bound.
-- What is there already beyond one stays; it only grows no more.

create function roles_hold_to_their_number() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  -- Creations of one tenant take turns from here to the end of their commit, and each sees those before it.
  perform pg_advisory_xact_lock(1, new.tenant_id);
  if (select count(*) from roles r where r.tenant_id = new.tenant_id and r.system is null) > 100 then
    raise exception 'the tenant has as many roles as it may'
      using errcode = 'check_violation', constraint = 'roles_of_a_tenant_are_at_most_100', table = 'roles';
  end if;
  return null;
end
$$;
comment on function roles_hold_to_their_number() is 'Refuses the 101st role that a tenant makes.';
create constraint trigger roles_hold_to_their_number after insert on roles
  for each row when (new.system is null) execute function roles_hold_to_their_number();

create function user_roles_hold_to_their_number() returns trigger
  language plpgsql
  set search_path = pg_catalog, public, pg_temp
  as $$
begin
  -- A lock a user would fill the server's table of locks where many are given roles at once. This one is nobody else's,
  -- so that nobody who waits for it holds what its holder waits for.
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
comment on function user_roles_hold_to_their_number() is 'Refuses the 21st role of a user; those that ended count until they are taken from him.';
create constraint trigger user_roles_hold_to_their_number after insert on user_roles
  for each row execute function user_roles_hold_to_their_number();
