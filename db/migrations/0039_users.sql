-- What is known of a user beside his name.

alter table users
  add column locale text not null default 'en',
  add column phone text,
  add column email_verified_at timestamptz,
  add column last_login_at timestamptz,
  add constraint users_locale_is_known check (locale in ('en', 'fr')),
  add constraint users_phone_is_e164 check (phone ~ '^\+[1-9][0-9]{6,14}$');
comment on column users.locale is 'The language of the e-mails to him.';
comment on column users.phone is 'E.164: the country''s code and at most 15 digits in all.';
comment on column users.email_verified_at is 'When it was proven that he reads what is sent to the address; null where it was not, or the address is another since.';
comment on column users.last_login_at is 'Null where he has never logged in.';
grant insert (locale, phone, email_verified_at), update (locale, phone, email_verified_at, last_login_at)
  on users to massacorp_api;

-- A log-in changes nothing that somebody set.
drop trigger users_touch on users;
create trigger users_touch before update on users for each row
  when (old.last_login_at is not distinct from new.last_login_at) execute function touch_updated_at();

-- Who is to be removed is deactivated first, in the same transaction at the latest.
create policy users_api_removes_the_inactive on users as restrictive for delete to massacorp_api
  using (tenant_id = (select current_tenant_id()) and status = 'inactive');
grant delete on users to massacorp_api;
