-- The request that queued a mail, so that its sending is found by the same id in the log.
alter table mails
  add column request_id text,
  add column trace_id text,
  add constraint mails_request_id_is_safe_to_log check (request_id ~ '^[A-Za-z0-9._-]{8,64}$'),
  add constraint mails_trace_id_is_one check (trace_id ~ '^[0-9a-f]{32}$');
comment on column mails.request_id is 'X-Request-ID of the request that queued it; null where none did.';
comment on column mails.trace_id is 'The same request''s trace (W3C Trace Context).';
grant insert (request_id, trace_id) on mails to massacorp_api, massacorp_platform;
