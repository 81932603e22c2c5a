-- What one request did is looked up by its id, as every refusal and log line names it: without an index that reads the
-- whole log of the tenant.
create index if not exists audit_log_by_request on audit_log (tenant_id, request_id);
