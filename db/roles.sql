-- The roles of MassaCorp. Run once per cluster by a superuser, before the first migration; safe to repeat.
-- It sets no passwords: set them yourself (`\password massacorp_api`), or let `./massacorp up` do it for the
-- embedded server. Afterwards create the database: create database massacorp owner massacorp_owner;

do $$
declare
  spec record;
begin
  for spec in
    select * from (values
      -- Migrates. BYPASSRLS, because forced row-level security would blind a backfill without an error.
      ('massacorp_owner', 'login bypassrls'),
      -- The API's requests, always inside one tenant.
      ('massacorp_api', 'login nobypassrls'),
      -- The API's platform operations (creating and suspending tenants).
      ('massacorp_platform', 'login nobypassrls'),
      -- The WireGuard daemon.
      ('massacorp_wgd', 'login nobypassrls'),
      -- Seals the audit log: reads entries of all tenants, adds to their chains, changes nothing else.
      ('massacorp_sealer', 'login nobypassrls'),
      -- Owns the look-ups that must happen before a tenant is known. Nobody logs in as it.
      ('massacorp_lookup', 'nologin nobypassrls')
    ) as roles (name, attributes)
  loop
    if not exists (select from pg_roles where rolname = spec.name) then
      execute format('create role %I', spec.name);
    end if;
    execute format(
      'alter role %I nosuperuser nocreatedb nocreaterole noreplication noinherit %s',
      spec.name, spec.attributes
    );
  end loop;
end
$$;

-- The owner hands the look-up functions over to massacorp_lookup when it migrates.
grant massacorp_lookup to massacorp_owner;

-- Bounds for every session of the application roles; a statement that needs longer says so itself. Who waits for the
-- API hears within half a second that something is locked; with a wait for a connection before it, within 1.3 s.
alter role massacorp_api set statement_timeout = '10s';
alter role massacorp_api set lock_timeout = '500ms';
alter role massacorp_api set idle_in_transaction_session_timeout = '30s';
alter role massacorp_platform set statement_timeout = '10s';
alter role massacorp_platform set lock_timeout = '500ms';
alter role massacorp_platform set idle_in_transaction_session_timeout = '30s';
alter role massacorp_wgd set statement_timeout = '30s';
alter role massacorp_wgd set lock_timeout = '5s';
alter role massacorp_wgd set idle_in_transaction_session_timeout = '60s';
alter role massacorp_sealer set statement_timeout = '60s';
alter role massacorp_sealer set lock_timeout = '2s';
alter role massacorp_sealer set idle_in_transaction_session_timeout = '60s';
