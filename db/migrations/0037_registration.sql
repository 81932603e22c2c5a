-- Who may make an account for himself, and what waits for its address to be proven.

alter table tenants
  add column registration text not null default 'off',
  add constraint tenants_registration_is_known check (registration in ('off', 'invite', 'open'));
comment on column tenants.registration is 'off: nobody registers. invite: whoever has an open invitation. open: everybody who reaches the tenant.';
grant update (registration) on tenants to massacorp_api;

create table registrations (
  tenant_id integer not null,
  token_digest bytea not null,
  email text not null,
  name text not null,
  locale text not null,
  password_hash text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  constraint registrations_pkey primary key (tenant_id, token_digest),
  constraint registrations_tenant_exists foreign key (tenant_id) references tenants (id) on delete cascade,
  constraint registrations_token_is_a_sha256 check (octet_length(token_digest) = 32),
  constraint registrations_email_is_normalised check (email = lower(email) and char_length(email) <= 254),
  constraint registrations_name_is_printable check (name ~ '^[^[:cntrl:]]{0,200}$'),
  constraint registrations_locale_is_known check (locale in ('en', 'fr')),
  constraint registrations_password_is_hashed check (password_hash like '$argon2id$%'),
  constraint registrations_last_a_day check (expires_at <= created_at + interval '1 day')
);
comment on table registrations is 'Accounts that were asked for. There is no user before the address was proven by the token that was sent to it.';
comment on column registrations.token_digest is 'SHA-256 of a token of 256 random bits. Each stands for what was asked for with it, so that nobody slips his password under somebody else''s confirmation.';
create index registrations_of_an_address on registrations (tenant_id, email, created_at);

alter table registrations enable row level security;
alter table registrations force row level security;
create policy registrations_api on registrations to massacorp_api
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
grant select, delete on registrations to massacorp_api;
grant insert (tenant_id, token_digest, email, name, locale, password_hash, created_at, expires_at)
  on registrations to massacorp_api;
