-- Sessions are forgotten a month after their own end; until now they stayed for good, with address and user agent.

-- Restrictive: it narrows what the policy for all commands permits, to rows that no token can name any more.
create policy sessions_api_forgets on sessions as restrictive for delete to massacorp_api
  using (tenant_id = (select current_tenant_id()) and expires_at < now() - interval '30 days');
grant delete on sessions to massacorp_api;
