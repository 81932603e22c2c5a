-- Nobody may delete an entry of the audit log, and whoever reads many holds them all: so each has a bound. Those that
-- are there already stay as they were sealed.

alter table audit_log add constraint audit_log_details_are_bounded
  check (octet_length(details::text) <= 131072) not valid;
