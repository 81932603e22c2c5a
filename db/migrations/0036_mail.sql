-- Mail that waits to be sent, and the tokens that its links carry.

create table mails (
  tenant_id integer not null,
  id uuid not null,
  template text not null,
  sealed_letter bytea,
  state text not null default 'queued',
  attempts integer not null default 0,
  due_at timestamptz not null,
  give_up_at timestamptz not null,
  created_at timestamptz not null,
  finished_at timestamptz,
  failure text,
  constraint mails_pkey primary key (tenant_id, id),
  constraint mails_tenant_exists foreign key (tenant_id) references tenants (id) on delete cascade,
  constraint mails_template_is_a_name check (template ~ '^[a-z_]{1,40}$'),
  constraint mails_state_is_known check (state in ('queued', 'sent', 'dead')),
  constraint mails_letter_goes_when_finished check ((state = 'queued') = (sealed_letter is not null)),
  constraint mails_finish_at_a_time check ((state = 'queued') = (finished_at is null)),
  constraint mails_letter_is_bounded check (octet_length(sealed_letter) between 30 and 65536),
  constraint mails_attempts_count_up check (attempts >= 0),
  constraint mails_dead_have_a_reason check (state <> 'dead' or failure is not null),
  constraint mails_failure_is_short check (char_length(failure) <= 100)
);
comment on table mails is 'Outgoing mail, queued in the transaction of the change that causes it. Processes take what is due, one lease at a time.';
comment on column mails.sealed_letter is 'Recipient and contents, sealed by the API; gone as soon as the mail was sent or given up, so that no link outlives its use here.';
comment on column mails.state is 'dead: refused for good, or not delivered by give_up_at.';
comment on column mails.attempts is 'How often it was taken for delivery.';
comment on column mails.due_at is 'When it may be taken. Taking it moves this ahead by a lease: whoever dies with it leaves it to the next.';
comment on column mails.failure is 'Why the last attempt failed: a code, never the words of a server, which name the recipient.';
create index mails_that_are_due on mails (due_at) where state = 'queued';
create index mails_by_end on mails (tenant_id, finished_at) where state <> 'queued';

alter table mails enable row level security;
alter table mails force row level security;
create policy mails_api_reads on mails for select to massacorp_api
  using (tenant_id = (select current_tenant_id()));
create policy mails_api_queues on mails for insert to massacorp_api
  with check (tenant_id = (select current_tenant_id()));
create policy mails_api_delivers on mails for update to massacorp_api
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
create policy mails_api_forgets on mails for delete to massacorp_api
  using (tenant_id = (select current_tenant_id()) and finished_at < now() - interval '1 day');
create policy mails_platform_queues on mails for insert to massacorp_platform
  with check (tenant_id = (select current_tenant_id()));
create policy mails_lookup on mails for select to massacorp_lookup using (true);
grant select, delete on mails to massacorp_api;
grant insert (tenant_id, id, template, sealed_letter, due_at, give_up_at, created_at) on mails
  to massacorp_api, massacorp_platform;
grant update (sealed_letter, state, attempts, due_at, finished_at, failure) on mails to massacorp_api;
grant select (tenant_id, id, state, due_at) on mails to massacorp_lookup;

-- Which tenants' mail is due has to be asked before any tenant is entered.
create function lookup_due_mails(at timestamptz, most integer)
  returns table (tenant_id integer, mail_id uuid)
  language sql stable security definer
  set search_path = pg_catalog, public, pg_temp
  as $$
    select m.tenant_id, m.id from public.mails m
    where m.state = 'queued' and m.due_at <= at
    order by m.due_at limit most
  $$;
comment on function lookup_due_mails(timestamptz, integer) is 'Mails to be taken now, those that wait for longest first; each is taken inside its tenant.';

create function lookup_mail_backlog()
  returns table (queued integer, dead integer)
  language sql stable security definer rows 1
  set search_path = pg_catalog, public, pg_temp
  as $$
    select count(*) filter (where m.state = 'queued')::integer, count(*) filter (where m.state = 'dead')::integer
    from public.mails m where m.state in ('queued', 'dead')
  $$;
comment on function lookup_mail_backlog() is 'How many mails wait and how many were given up, of all tenants together: for the operator.';

-- A new owner must be allowed to create in the schema, for this moment alone.
grant create on schema public to massacorp_lookup;
alter function lookup_due_mails(timestamptz, integer) owner to massacorp_lookup;
alter function lookup_mail_backlog() owner to massacorp_lookup;
revoke create on schema public from massacorp_lookup;

set role massacorp_lookup;
revoke execute on function lookup_due_mails(timestamptz, integer), lookup_mail_backlog() from public;
grant execute on function lookup_due_mails(timestamptz, integer), lookup_mail_backlog() to massacorp_api;
reset role;

-- one-time tokens -------------------------------------------------------------------------------------------

create table one_time_tokens (
  tenant_id integer not null,
  token_digest bytea not null,
  purpose text not null,
  user_id integer not null,
  email text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  constraint one_time_tokens_pkey primary key (tenant_id, token_digest),
  constraint one_time_tokens_user_exists foreign key (tenant_id, user_id)
    references users (tenant_id, id) on delete cascade,
  constraint one_time_tokens_one_a_purpose unique (tenant_id, user_id, purpose),
  constraint one_time_tokens_token_is_a_sha256 check (octet_length(token_digest) = 32),
  constraint one_time_tokens_purpose_is_known check (purpose in ('password_reset', 'verify_email')),
  constraint one_time_tokens_email_is_normalised check (email = lower(email) and char_length(email) <= 254),
  constraint one_time_tokens_last_a_day check (expires_at <= created_at + interval '1 day')
);
comment on table one_time_tokens is 'Tokens that were sent by mail and not used yet: using one deletes its row, asking for another replaces it.';
comment on column one_time_tokens.token_digest is 'SHA-256 of a token of 256 random bits.';
comment on column one_time_tokens.email is 'The address it was sent to: the one that it proves.';

alter table one_time_tokens enable row level security;
alter table one_time_tokens force row level security;
create policy one_time_tokens_api on one_time_tokens to massacorp_api
  using (tenant_id = (select current_tenant_id()))
  with check (tenant_id = (select current_tenant_id()));
grant select, delete on one_time_tokens to massacorp_api;
grant insert (tenant_id, token_digest, purpose, user_id, email, created_at, expires_at),
  update (token_digest, email, created_at, expires_at) on one_time_tokens to massacorp_api;
