-- The request that queued a mail, so that its sending is found by the same id in the log.
alter table mails
  add column request_id text,
  add column trace_id text,
  add constraint mails_request_id_is_safe_to_log check (request_id ~ '^[A-Za-z0-9._-]{8,64}$'),
  add constraint mails_trace_id_is_one check (trace_id ~ '^[0-9a-f]{32}$');
comment on column mails.request_id is 'X-Request-ID of the request that queued it; null where none did.';
comment on column mails.trace_id is 'The same request''s trace (W3C Trace Context).';
grant insert (request_id, trace_id) on mails to massacorp_api, massacorp_platform;

-- How long mail is held up, of all tenants together: for the operator.
create function lookup_oldest_mail()
  returns table (oldest timestamptz)
  language sql stable security definer rows 1
  set search_path = pg_catalog, public, pg_temp
  as $$ select min(m.created_at) from public.mails m where m.state = 'queued' $$;
comment on function lookup_oldest_mail() is 'When the mail that waits for longest was queued; null where none waits. Of all tenants together: for the operator.';
grant select (created_at) on mails to massacorp_lookup;
grant create on schema public to massacorp_lookup;
alter function lookup_oldest_mail() owner to massacorp_lookup;
revoke create on schema public from massacorp_lookup;
set role massacorp_lookup;
revoke execute on function lookup_oldest_mail() from public;
grant execute on function lookup_oldest_mail() to massacorp_api;
reset role;
