-- An unlocking stands in the record of log-ins, and makes the failures before it count no more.

alter table login_attempts
  drop constraint login_attempts_outcome_is_known,
  add constraint login_attempts_outcome_is_known check (outcome in ('succeeded', 'failed', 'locked', 'unlocked')),
  add constraint login_attempts_unlocking_is_for_every_source check ((outcome = 'unlocked') = (source = '*'));
comment on column login_attempts.source is 'The peer the attempt came through, or the listener where there is no peer. Locks bind account and source together. * for an unlocking, which is for all of them.';
