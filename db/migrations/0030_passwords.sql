-- What a tenant asks of passwords, and hashes that came from elsewhere.

alter table tenants
  add column password_policy text not null default 'composition',
  add constraint tenants_password_policy_is_known check (password_policy in ('composition', 'length'));
comment on column tenants.password_policy is 'composition: 8 characters and more of four kinds. length: 15 and more of any kind (NIST SP 800-63B).';
grant update (password_policy) on tenants to massacorp_api;

alter table users
  drop constraint users_password_is_hashed,
  add constraint users_password_is_hashed check (
    password_hash like '$argon2id$%' or password_hash ~ '^\$2[aby]\$1[0-4]\$[./A-Za-z0-9]{53}$'
  );
comment on column users.password_hash is 'Argon2id in PHC form; the parameters stand in it. Or bcrypt, of a user who was imported with it, until his first log-in.';

create function users_take_bcrypt_by_import() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if current_user = 'massacorp_api' then
    raise exception 'the API makes Argon2id hashes and no others'
      using errcode = 'check_violation', constraint = 'users_take_bcrypt_by_import', table = 'users';
  end if;
  return new;
end
$$;
comment on function users_take_bcrypt_by_import() is 'Hashes of bcrypt come in through the operator alone: the role that serves tenants can neither set nor keep on setting one.';
create trigger users_take_bcrypt_by_import before insert or update of password_hash on users
  for each row when (new.password_hash not like '$argon2id$%') execute function users_take_bcrypt_by_import();
