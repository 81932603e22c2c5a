-- A link that a user asked for through a peer of his own stands beside what is asked for by any other way (A5).
-- It is a purpose of its own, and no column: the code before goes on finding one row a user and purpose.
alter table one_time_tokens drop constraint one_time_tokens_purpose_is_known,
  add constraint one_time_tokens_purpose_is_known
    check (purpose in ('password_reset', 'password_reset_own', 'verify_email', 'verify_email_own'));
comment on table one_time_tokens is 'Tokens that were sent by mail and not used yet: using one deletes its row, asking for another by the same way replaces it.';
comment on column one_time_tokens.purpose is 'What it is for; with _own if it was asked for through a peer of the user''s own.';
