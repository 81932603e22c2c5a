-- Where in its trace a mail was queued, so that its delivery hangs there.
alter table mails
  add column span_id text,
  add constraint mails_span_id_is_one check (span_id ~ '^[0-9a-f]{16}$');
comment on column mails.span_id is 'The span of that trace that the queuing request was: the parent of the delivery''s.';
grant insert (span_id) on mails to massacorp_api, massacorp_platform;
