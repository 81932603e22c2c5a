-- The failure that locks is told from the others, so that its owner is told of it once a lock.

alter table login_attempts
  drop constraint login_attempts_outcome_is_known,
  add constraint login_attempts_outcome_is_known check (
    outcome in ('succeeded', 'failed', 'locking', 'locked', 'unlocked')
  );
comment on column login_attempts.outcome is 'locking: failed, and locked the account for its source. locked: refused because of that, whatever the password. unlocked: somebody lifted all locks of the account.';
