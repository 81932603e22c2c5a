-- One tenant's thousand mails stand no longer before another's one, and a mail can be taken back.

create index if not exists mails_that_are_due_by_tenant on mails (tenant_id, due_at) where state = 'queued';

alter table mails drop constraint mails_state_is_known,
  add constraint mails_state_is_known check (state in ('queued', 'sent', 'dead', 'withdrawn'));

-- The owner must be allowed to create in the schema, for this moment alone.
grant create on schema public to massacorp_lookup;
set role massacorp_lookup;
-- From one tenant that has mail to the next by the index, and of each no more than could be taken.
create or replace function lookup_due_mails(at timestamptz, most integer)
  returns table (tenant_id integer, mail_id uuid)
  language sql stable security definer
  set search_path = pg_catalog, public, pg_temp
  as $$
    with recursive senders (id) as (
      (select m.tenant_id from public.mails m where m.state = 'queued' order by m.tenant_id limit 1)
      union all
      select (select m.tenant_id from public.mails m
        where m.state = 'queued' and m.tenant_id > s.id order by m.tenant_id limit 1)
      from senders s where s.id is not null
    )
    select s.id, turn.id from senders s cross join lateral (
      select m.id, m.due_at, row_number() over (order by m.due_at) as nth from public.mails m
      where m.tenant_id = s.id and m.state = 'queued' and m.due_at <= at
      order by m.due_at limit most
    ) turn
    order by turn.nth, turn.due_at limit most
  $$;
comment on function lookup_due_mails(timestamptz, integer) is 'Mails to be taken now, tenants in turns, and of each tenant those that wait for longest first; each is taken inside its tenant.';
reset role;
revoke create on schema public from massacorp_lookup;
