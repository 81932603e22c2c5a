-- Invitations: who may become a user, as what, and the enrolment peer that leads him here.

create table invitations (
  tenant_id integer not null,
  id uuid not null,
  email text not null,
  name text not null default '',
  locale text not null default 'en',
  role_id integer not null,
  token_digest bytea not null,
  mailed boolean not null,
  invited_by integer,
  peer_id uuid,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  constraint invitations_pkey primary key (tenant_id, id),
  constraint invitations_email_is_invited_once unique (tenant_id, email),
  constraint invitations_token_is_of_one unique (tenant_id, token_digest),
  constraint invitations_tenant_exists foreign key (tenant_id) references tenants (id) on delete cascade,
  constraint invitations_role_is_in_use foreign key (tenant_id, role_id)
    references roles (tenant_id, id) on delete restrict,
  constraint invitations_inviter_exists foreign key (tenant_id, invited_by)
    references users (tenant_id, id) on delete cascade,
  constraint invitations_peer_exists foreign key (tenant_id, peer_id)
    references wg_peers (tenant_id, id) on delete set null (peer_id),
  constraint invitations_email_is_normalised check (email = lower(email) and email ~ '^[^@[:space:][:cntrl:]]{1,64}@[^@[:space:][:cntrl:]]{1,189}$'),
  constraint invitations_name_is_printable check (name ~ '^[^[:cntrl:]]{0,200}$'),
  constraint invitations_locale_is_known check (locale in ('en', 'fr')),
  constraint invitations_token_is_a_sha256 check (octet_length(token_digest) = 32),
  constraint invitations_last_at_most_a_week check (expires_at > created_at and expires_at <= created_at + interval '7 days')
);
comment on table invitations is 'Who may become a user. Accepting one deletes it in the transaction that makes the user; so does withdrawing it.';
comment on column invitations.token_digest is 'SHA-256 of a token of 256 random bits.';
comment on column invitations.mailed is 'The token went to the address and to nobody else: who has it reads what is sent there.';
comment on column invitations.invited_by is 'Null for the operator. What he may do at the moment of acceptance bounds the role.';
comment on column invitations.peer_id is 'The enrolment peer that was made with it.';
create index invitations_of_a_role on invitations (tenant_id, role_id);
create index invitations_by_inviter on invitations (tenant_id, invited_by);
create index invitations_of_a_peer on invitations (tenant_id, peer_id);

alter table invitations enable row level security;
alter table invitations force row level security;
create policy invitations_api on invitations to massacorp_api
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
grant select, delete, insert (tenant_id, id, email, name, locale, role_id, token_digest, mailed, invited_by, peer_id, created_at, expires_at)
  on invitations to massacorp_api;

grant insert (locale, phone, email_verified_at) on users to massacorp_platform;
