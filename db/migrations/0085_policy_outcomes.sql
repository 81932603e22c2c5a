-- What became of a policy, told by each gateway for itself. wg_policy_status has one row for all of them: the daemon
-- of the release before goes on writing it, and nothing reads it any more.
create table wg_policy_outcomes (
  tenant_id integer not null,
  interface_id smallint not null,
  version bigint not null,
  state text not null,
  error text,
  changed_at timestamptz not null default now(),
  constraint wg_policy_outcomes_pkey primary key (tenant_id, interface_id),
  constraint wg_policy_outcomes_policy_exists foreign key (tenant_id)
    references wg_policies (tenant_id) on delete cascade,
  constraint wg_policy_outcomes_interface_exists foreign key (interface_id)
    references wg_interfaces (id) on delete restrict,
  constraint wg_policy_outcomes_state_is_known check (state in ('applied', 'rejected')),
  constraint wg_policy_outcomes_rejection_is_explained check ((state = 'rejected') = (error is not null))
);
comment on table wg_policy_outcomes is 'What became of a policy on the wire of one gateway, written by its daemon on change only.';
comment on column wg_policy_outcomes.state is 'applied: this version is in the kernel''s rules there; rejected: nothing of it is, and the tenant''s peers there reach the API alone.';
comment on table wg_policy_status is 'Of the release before, which knew one gateway: written by its daemon, read by nobody.';

alter table wg_policy_outcomes enable row level security;
alter table wg_policy_outcomes force row level security;
create policy wg_policy_outcomes_api on wg_policy_outcomes for select to massacorp_api
  using (tenant_id = (select current_tenant_id()));
create policy wg_policy_outcomes_wgd on wg_policy_outcomes to massacorp_wgd using (true) with check (true);
grant select on wg_policy_outcomes to massacorp_api;
grant select, insert (tenant_id, interface_id, version, state, error, changed_at),
  update (version, state, error, changed_at) on wg_policy_outcomes to massacorp_wgd;
