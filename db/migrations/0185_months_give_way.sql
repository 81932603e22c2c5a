-- Making and dropping months takes tables away from their readers for a moment. Whoever waits behind that waits for 500
-- ms (db/roles.sql), so it waits for less than they do, gives way, and is tried again by the sealer.

alter function audit_make_partitions() set lock_timeout = '300ms';
alter function audit_drop_partitions(timestamptz) set lock_timeout = '300ms';
