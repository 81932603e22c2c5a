-- The audit log in monthly partitions, and the chain that seals it.

alter table audit_log rename to audit_log_whole;
alter index audit_log_pkey rename to audit_log_whole_pkey;
alter sequence audit_log_id_seq rename to audit_log_whole_id_seq;

create table audit_log (
  tenant_id integer not null,
  id bigint generated always as identity,
  at timestamptz not null default clock_timestamp(),
  xact xid8 not null default pg_current_xact_id(),
  actor text not null,
  actor_user_id integer,
  action text not null,
  outcome text not null,
  target_type text,
  target_id text,
  request_id text,
  peer_id uuid,
  address inet,
  details jsonb not null default '{}',
  constraint audit_log_pkey primary key (tenant_id, id, at),
  constraint audit_log_tenant_exists foreign key (tenant_id) references tenants (id) on delete restrict,
  constraint audit_log_actor_is_known check (actor in ('user', 'operator', 'daemon', 'anonymous')),
  constraint audit_log_user_actor_has_an_id check (actor <> 'user' or actor_user_id is not null),
  constraint audit_log_action_is_dotted check (action ~ '^[a-z_]+(\.[a-z_]+)+$'),
  constraint audit_log_outcome_is_known check (outcome in ('succeeded', 'refused', 'failed')),
  constraint audit_log_details_are_an_object check (jsonb_typeof(details) = 'object')
) partition by range (at);
comment on table audit_log is 'What happened, written in the transaction of the change itself. Nobody but the owner can change or delete an entry; whole months are dropped when they are past their retention.';
comment on column audit_log.actor_user_id is 'No foreign key: an entry outlives its user.';
comment on column audit_log.xact is 'The transaction that wrote it: what became visible between two snapshots is what is still to be sealed. It is no part of the entry.';
create index audit_log_by_xact on audit_log (xact, tenant_id, id);

alter table audit_log enable row level security;
alter table audit_log force row level security;
create policy audit_log_api on audit_log for insert to massacorp_api, massacorp_platform
  with check (tenant_id = (select current_tenant_id()));
create policy audit_log_api_reads on audit_log for select to massacorp_api
  using (tenant_id = (select current_tenant_id()));
create policy audit_log_wgd on audit_log for insert to massacorp_wgd with check (actor = 'daemon');
create policy audit_log_sealer on audit_log for select to massacorp_sealer using (true);
grant insert (tenant_id, actor, actor_user_id, action, outcome, target_type, target_id, request_id, peer_id, address, details)
  on audit_log to massacorp_api, massacorp_platform, massacorp_wgd;
grant select (tenant_id, id, at, actor, actor_user_id, action, outcome, target_type, target_id, request_id, peer_id, address, details)
  on audit_log to massacorp_api;
grant select on audit_log to massacorp_sealer;

-- seals -----------------------------------------------------------------------------------------------------

create table audit_seals (
  tenant_id integer not null,
  seq bigint not null,
  entry_id bigint not null,
  entry_at timestamptz not null,
  entry_hash bytea not null,
  sealed_at timestamptz not null,
  hash bytea not null,
  constraint audit_seals_pkey primary key (tenant_id, seq, sealed_at),
  constraint audit_seals_count_from_one check (seq >= 1),
  constraint audit_seals_hashes_are_sha256 check (octet_length(entry_hash) = 32 and octet_length(hash) = 32)
) partition by range (sealed_at);
comment on table audit_seals is 'One chain a tenant over its committed audit entries, in the order of their sealing. Written by the sealer once, and by nobody again; docs/audit.md has the bytes.';
comment on column audit_seals.entry_hash is 'SHA-256 of the entry in its canonical form.';
comment on column audit_seals.hash is 'SHA-256 of this link, which names the hash of the one before.';
create index audit_seals_of_an_entry on audit_seals (tenant_id, entry_id);

alter table audit_seals enable row level security;
alter table audit_seals force row level security;
create policy audit_seals_api on audit_seals for select to massacorp_api
  using (tenant_id = (select current_tenant_id()));
create policy audit_seals_sealer_reads on audit_seals for select to massacorp_sealer using (true);
create policy audit_seals_sealer_adds on audit_seals for insert to massacorp_sealer with check (true);
grant select on audit_seals to massacorp_api;
grant select, insert on audit_seals to massacorp_sealer;

-- chains ----------------------------------------------------------------------------------------------------

create table audit_chains (
  tenant_id integer not null,
  seq bigint not null,
  hash bytea not null,
  sealed_at timestamptz not null,
  receipt jsonb,
  constraint audit_chains_pkey primary key (tenant_id),
  constraint audit_chains_tenant_exists foreign key (tenant_id) references tenants (id) on delete restrict,
  constraint audit_chains_hash_is_a_sha256 check (octet_length(hash) = 32),
  constraint audit_chains_receipt_is_an_object check (jsonb_typeof(receipt) = 'object')
);
comment on table audit_chains is 'The end of each tenant''s chain. Two sealers cannot both move it from the same place.';
comment on column audit_chains.receipt is 'The newest signed checkpoint that names this chain, with the proof that it does. A copy: the checkpoints themselves are kept outside the database.';

alter table audit_chains enable row level security;
alter table audit_chains force row level security;
create policy audit_chains_api on audit_chains for select to massacorp_api
  using (tenant_id = (select current_tenant_id()));
create policy audit_chains_sealer on audit_chains to massacorp_sealer using (true) with check (true);
grant select on audit_chains to massacorp_api;
grant select, insert (tenant_id, seq, hash, sealed_at), update (seq, hash, sealed_at, receipt) on audit_chains to massacorp_sealer;

create table audit_sealer (
  only_one boolean not null default true,
  snapshot pg_snapshot not null,
  constraint audit_sealer_pkey primary key (only_one),
  constraint audit_sealer_is_one_row check (only_one)
);
comment on table audit_sealer is 'How far the sealer has come: every entry that this snapshot sees is sealed. Moves in the transaction of the seals.';
alter table audit_sealer enable row level security;
alter table audit_sealer force row level security;
create policy audit_sealer_sealer on audit_sealer to massacorp_sealer using (true) with check (true);
grant select, insert (snapshot), update (snapshot) on audit_sealer to massacorp_sealer;

-- partitions ------------------------------------------------------------------------------------------------

-- Nothing is refused because a month is missing: what has no partition of its own falls in here.
create table audit_log_rest partition of audit_log default;
comment on table audit_log_rest is 'Entries of months that nobody made a partition for. Empty while the sealer runs.';
create table audit_seals_rest partition of audit_seals default;
comment on table audit_seals_rest is 'As audit_log_rest, for seals.';
alter table audit_log_rest enable row level security;
alter table audit_log_rest force row level security;
alter table audit_seals_rest enable row level security;
alter table audit_seals_rest force row level security;

create function audit_make_partitions() returns bigint
  language plpgsql security definer
  set search_path = pg_catalog, public, pg_temp
  set lock_timeout = '2s'
  as $$
declare
  parent text;
  part text;
  month timestamp;
begin
  foreach parent in array array['audit_log', 'audit_seals'] loop
    for ahead in 0 .. 3 loop
      month := date_trunc('month', now() at time zone 'UTC') + make_interval(months => ahead);
      part := parent || to_char(month, '_YYYY_MM');
      continue when to_regclass('public.' || part) is not null;
      begin
        -- Made beside the table and then attached: only that leaves writers of other months alone.
        execute format('create table public.%I (like public.%I including defaults including constraints)', part, parent);
        execute format('alter table public.%I enable row level security', part);
        execute format('alter table public.%I force row level security', part);
        execute format('comment on table public.%I is %L', part, 'A month of ' || parent || '.');
        execute format('alter table public.%I attach partition public.%I for values from (%L) to (%L)', parent, part,
          month at time zone 'UTC', (month + interval '1 month') at time zone 'UTC');
      exception
        -- Rows of that month lie in the rest already: there they stay.
        when check_violation then null;
      end;
    end loop;
  end loop;
  return (select count(*) from public.audit_log_rest) + (select count(*) from public.audit_seals_rest);
end
$$;
comment on function audit_make_partitions() is 'Makes the partitions of this month and the next three, and says how many rows lie in none. It takes nothing from its caller.';

create function audit_drop_partitions(cut timestamptz) returns text[]
  language plpgsql security definer
  set search_path = pg_catalog, public, pg_temp
  set lock_timeout = '500ms'
  as $$
declare
  this_month constant timestamp := date_trunc('month', now() at time zone 'UTC');
  part record;
  unsealed boolean;
  dropped text[] := '{}';
begin
  if cut is null or cut at time zone 'UTC' <> date_trunc('month', cut at time zone 'UTC')
    or cut at time zone 'UTC' > this_month - interval '1 month' then
    raise exception 'the cut is the beginning of a month, and the last whole month is kept'
      using errcode = 'check_violation', constraint = 'audit_retention_keeps_a_whole_month';
  end if;
  for part in
    select c.relname::text as name, i.inhparent = 'public.audit_log'::regclass as is_log
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent in ('public.audit_log'::regclass, 'public.audit_seals'::regclass)
      and case when c.relname ~ '_[0-9]{4}_[0-9]{2}$'
        then to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= cut at time zone 'UTC' end
    order by 2 desc, 1
  loop
    if part.is_log then
      execute format(
        'select exists (select from public.%I l where not exists (select from public.audit_seals s
          where s.tenant_id = l.tenant_id and s.entry_id = l.id and s.entry_at = l.at))', part.name) into unsealed;
      if unsealed then
        raise exception 'entries that were not sealed are not dropped'
          using errcode = 'check_violation', constraint = 'audit_retention_keeps_what_is_not_sealed';
      end if;
    end if;
    execute format('drop table public.%I', part.name);
    dropped := dropped || part.name;
  end loop;
  return dropped;
end
$$;
comment on function audit_drop_partitions(timestamptz) is 'Drops the months before the cut. The last whole month stays, and so does what was not sealed.';

grant execute on function audit_make_partitions(), audit_drop_partitions(timestamptz) to massacorp_sealer;
grant usage on schema public to massacorp_sealer;

select audit_make_partitions();

-- what was written before -----------------------------------------------------------------------------------

do $$
declare
  month timestamp;
  part text;
begin
  for month in
    select distinct date_trunc('month', at at time zone 'UTC') from audit_log_whole
    where at at time zone 'UTC' < date_trunc('month', now() at time zone 'UTC')
  loop
    part := 'audit_log' || to_char(month, '_YYYY_MM');
    execute format('create table %I partition of audit_log for values from (%L) to (%L)', part,
      month at time zone 'UTC', (month + interval '1 month') at time zone 'UTC');
    execute format('alter table %I enable row level security', part);
    execute format('alter table %I force row level security', part);
    execute format('comment on table %I is %L', part, 'A month of audit_log.');
  end loop;
end
$$;

insert into audit_log (tenant_id, id, at, actor, actor_user_id, action, outcome, target_type, target_id, request_id,
    peer_id, address, details)
  overriding system value
  select tenant_id, id, at, actor, actor_user_id, action, outcome, target_type, target_id, request_id, peer_id,
    address, details
  from audit_log_whole;
select setval(pg_get_serial_sequence('audit_log', 'id'), greatest(1, (select max(id) from audit_log_whole)),
  exists (select from audit_log_whole));
drop table audit_log_whole;
