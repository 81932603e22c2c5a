-- The roles of MassaCorp. Run once per cluster by a superuser, or by whom a managed server gives CREATEROLE, CREATEDB and
-- BYPASSRLS, before the first migration; safe to repeat. It sets no passwords: set them yourself (`\password
-- massacorp_api`), or let `./massacorp up` do it for the embedded server. Afterwards create the database:
-- create database massacorp owner massacorp_owner;

do $$
declare
  spec record;
  attributes text;
begin
  for spec in
    select * from (values
      -- Migrates. BYPASSRLS, because forced row-level security would blind a backfill without an error.
      ('massacorp_owner', true, true),
      -- The API's requests, always inside one tenant.
      ('massacorp_api', true, false),
      -- The API's platform operations (creating and suspending tenants).
      ('massacorp_platform', true, false),
      -- The WireGuard daemon.
      ('massacorp_wgd', true, false),
      -- Seals the audit log: reads entries of all tenants, adds to their chains, changes nothing else.
      ('massacorp_sealer', true, false),
      -- Owns the look-ups that must happen before a tenant is known. Nobody logs in as it.
      ('massacorp_lookup', false, false)
    ) as roles (name, logs_in, bypasses)
  loop
    attributes := format('noinherit %s %s', case when spec.logs_in then 'login' else 'nologin' end,
      case when spec.bypasses then 'bypassrls' else 'nobypassrls' end);
    if not exists (select from pg_roles where rolname = spec.name) then
      execute format('create role %I %s', spec.name, attributes);
    -- Only a superuser may so much as name some of these.
    elsif exists (
      select from pg_roles r where r.rolname = spec.name and (
        r.rolsuper or r.rolcreatedb or r.rolcreaterole or r.rolreplication or r.rolinherit
        or r.rolcanlogin <> spec.logs_in or r.rolbypassrls <> spec.bypasses)
    ) then
      execute format('alter role %I nosuperuser nocreatedb nocreaterole noreplication %s', spec.name, attributes);
    end if;
  end loop;
  -- Who is no superuser makes a database for a role that he can become, and for no other.
  if not (select rolsuper from pg_roles where rolname = current_user) then
    execute format('grant massacorp_owner to %I', current_user);
  end if;
end
$$;

-- The owner hands the look-up functions over to massacorp_lookup when it migrates.
grant massacorp_lookup to massacorp_owner;

-- What the code takes for granted of a session, whatever the server or the database says for everybody
-- (db/session_check.ts, which also looks for what only a server decides).
do $$
declare
  name text;
begin
  foreach name in array array['massacorp_owner', 'massacorp_api', 'massacorp_platform', 'massacorp_wgd', 'massacorp_sealer']
  loop
    execute format('alter role %I set search_path = public', name);
    execute format('alter role %I set bytea_output = hex', name);
    execute format('alter role %I set array_nulls = on', name);
    execute format('alter role %I set default_transaction_isolation = %L', name, 'read committed');
    execute format('alter role %I set row_security = on', name);
    -- The daemon's and the sealer's locks last as long as their sessions, and so does what listens.
    execute format('alter role %I set idle_session_timeout = 0', name);
  end loop;
end
$$;

-- A migration takes as long as it takes, whatever bound there is for everybody; it sets its own for locks.
alter role massacorp_owner set statement_timeout = 0;
alter role massacorp_owner set lock_timeout = 0;
alter role massacorp_owner set idle_in_transaction_session_timeout = 0;

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
