import type { Sql } from "../../db/connection.ts";
import { generateKeyPair } from "../../lib/wireguard_key.ts";

export interface SeededTenant {
  id: number;
  slug: string;
  userId: number;
  sessionId: string;
  peerId: string;
  publicKey: string;
  address: string;
  apiKeyPrefix: string;
}

/** Interface 1, as its daemon publishes it. */
export async function seedInterface(owner: Sql, network = "10.10.0.0/24"): Promise<void> {
  const { publicKey } = await generateKeyPair();
  await owner`
    insert into wg_interfaces (id, name, network, listen_port, endpoint, mtu, public_key)
    values (1, 'wg0', ${network}, 51820, 'vpn.example.com:51820', 1420, ${publicKey})`;
}

/** A tenant with one row in every table that belongs to a tenant; needs the interface. */
export async function seedTenant(owner: Sql, slug: string): Promise<SeededTenant> {
  const [tenant] = await owner<{ id: number }[]>`
    insert into tenants (slug, name) values (${slug}, ${slug}) returning id`;
  const tenantId = tenant?.id ?? 0;
  const [user] = await owner<{ id: number }[]>`
    insert into users (tenant_id, email, password_hash)
    values (${tenantId}, ${`somebody@${slug}.example`}, '$argon2id$not-a-real-one') returning id`;
  const userId = user?.id ?? 0;
  await owner`
    with made as (insert into roles (tenant_id, name) values (${tenantId}, 'helpdesk') returning id)
    insert into role_permissions (tenant_id, role_id, permission)
      select ${tenantId}, id, 'users.read' from made`;
  await owner`
    insert into user_roles (tenant_id, user_id, role_id)
      select tenant_id, ${userId}, id from roles where tenant_id = ${tenantId} and name = 'user'`;
  const sessionId = crypto.randomUUID();
  await owner`
    insert into sessions (tenant_id, id, user_id, refresh_rotated_at, refresh_expires_at, created_at,
      last_seen_at, expires_at)
    values (${tenantId}, ${sessionId}, ${userId}, now(), now() + interval '1 hour', now(), now(),
      now() + interval '1 day')`;
  await owner`
    insert into mfa_factors (tenant_id, user_id, key_id, sealed_secret, enabled_at, last_step)
    values (${tenantId}, ${userId}, '0123456789abcdef', decode(repeat('00', 49), 'hex'), now(), 0)`;
  await owner`
    insert into mfa_pending_factors (tenant_id, user_id, key_id, sealed_secret, started_at)
    values (${tenantId}, ${userId}, '0123456789abcdef', decode(repeat('00', 49), 'hex'), now())`;
  await owner`
    insert into mfa_recovery_codes (tenant_id, user_id, digest, key_id)
    values (${tenantId}, ${userId}, sha256(${slug}::bytea), '0123456789abcdef')`;
  await owner`
    insert into mfa_attempts (tenant_id, user_id, way, kind, recent, failures)
    values (${tenantId}, ${userId}, 'own', 'totp', array[now()], 1)`;
  await owner`
    insert into mfa_source_attempts (tenant_id, source, kind, last_at)
    values (${tenantId}, 'loopback/127.0.0.1', 'totp', now())`;
  await owner`
    insert into login_challenges (tenant_id, id, user_id, kind, device_name, created_at, expires_at)
    values (${tenantId}, ${crypto.randomUUID()}, ${userId}, 'mfa_session', '', now(), now() + interval '5 minutes')`;
  await owner`
    insert into mfa_trusted_devices (tenant_id, id, user_id, token_digest, device_name, user_agent, created_at, expires_at)
    values (${tenantId}, ${crypto.randomUUID()}, ${userId}, sha256(${slug}::bytea), '', '', now(),
      now() + interval '30 days')`;
  await owner`
    insert into login_attempts (tenant_id, identifier_digest, source, outcome, at)
    values (${tenantId}, sha256('somebody'), 'loopback', 'failed', now())`;
  const apiKeyPrefix = crypto.randomUUID().replaceAll("-", "").slice(0, 12);
  await owner`
    with made as (
      insert into api_keys (tenant_id, id, user_id, name, prefix, secret_digest)
      values (${tenantId}, ${crypto.randomUUID()}, ${userId}, 'script', ${apiKeyPrefix}, sha256('secret'))
      returning id
    ), scoped as (
      insert into api_key_scopes (tenant_id, api_key_id, permission)
      select ${tenantId}, id, 'users.read' from made
    )
    insert into api_key_usage (tenant_id, api_key_id, day, endpoint, requests, errors)
      select ${tenantId}, id, current_date, 'GET /', 1, 0 from made`;
  await owner`
    insert into audit_log (tenant_id, actor, action, outcome)
    values (${tenantId}, 'operator', 'tenant.create', 'succeeded')`;
  await owner`
    insert into audit_seals (tenant_id, seq, entry_id, entry_at, entry_hash, sealed_at, hash)
      select tenant_id, 1, id, at, sha256('entry'), now(), sha256('link') from audit_log
      where tenant_id = ${tenantId}`;
  await owner`
    insert into audit_chains (tenant_id, seq, hash, sealed_at)
    values (${tenantId}, 1, sha256('link'), now())`;
  const { publicKey } = await generateKeyPair();
  const peerId = crypto.randomUUID();
  const [peer] = await owner<{ address: string }[]>`
    with free as (
      update wg_ip_pool set free_from = null where (interface_id, address) = (
        select interface_id, address from wg_ip_pool
        where interface_id = 1 and free_from <= now() order by address limit 1)
      returning address)
    insert into wg_peers (tenant_id, id, interface_id, user_id, name, public_key, address)
      select ${tenantId}, ${peerId}, 1, ${userId}, 'laptop', ${publicKey}, address from free
      returning host(address) as address`;
  await owner`
    insert into invitations (tenant_id, id, email, role_id, token_digest, mailed, invited_by, peer_id,
      created_at, expires_at)
    select tenant_id, gen_random_uuid(), ${`invited@${slug}.example`}, id, sha256(${slug}::bytea), false,
      ${userId}, ${peerId}, now(), now() + interval '1 day'
    from roles where tenant_id = ${tenantId} and name = 'user'`;
  await owner`
    insert into wg_peer_status (tenant_id, peer_id, generation, state)
      select tenant_id, id, generation, 'applied' from wg_peers where id = ${peerId}`;
  await owner`
    insert into wg_resting_addresses (tenant_id, interface_id, address, user_id, until)
    values (${tenantId}, 1, '10.10.0.253', ${userId}, now() + interval '1 hour')`;
  await owner`
    insert into wg_peer_traffic (tenant_id, peer_id, received_bytes, sent_bytes, endpoint, events)
    values (${tenantId}, ${peerId}, 1000, 2000, '192.0.2.7:51820', 1)`;
  await owner`
    insert into wg_peer_events (tenant_id, peer_id, n, kind, at, endpoint)
    values (${tenantId}, ${peerId}, 1, 'connected', now(), '192.0.2.7:51820')`;
  const retired = await generateKeyPair();
  await owner`
    insert into wg_retired_keys (tenant_id, peer_id, interface_id, public_key)
    values (${tenantId}, ${peerId}, 1, ${retired.publicKey})`;
  await owner`
    insert into wg_receipts (tenant_id, peer_id, interface_id, what, public_key, gateway_key, read_back_at,
      receipt_key, signature)
    values (${tenantId}, ${peerId}, 1, 'key', ${publicKey}, ${publicKey}, now(), ${publicKey},
      decode(repeat('00', 64), 'hex'))`;
  await owner`
    insert into wg_deliveries (tenant_id, token_digest, peer_id, sealed_config, expires_at)
    values (${tenantId}, sha256(${slug}::bytea), ${peerId}, decode(repeat('00', 64), 'hex'),
      now() + interval '10 minutes')`;
  await owner`
    insert into idempotency_keys (tenant_id, principal, key, request_digest, resource_id, created_at)
    values (${tenantId}, 'operator', ${`key-of-${slug}`}, sha256(${slug}::bytea), ${peerId}, now())`;
  await owner`
    insert into tenant_creations (made, principal, key, request_digest, created_at)
    values (${tenantId}, 'operator', ${`key-of-${slug}`}, sha256(${slug}::bytea), now())`;
  await owner`
    insert into mails (tenant_id, id, template, sealed_letter, due_at, give_up_at, created_at)
    values (${tenantId}, ${crypto.randomUUID()}, 'verify_email', decode(repeat('00', 64), 'hex'), now(),
      now() + interval '1 day', now())`;
  await owner`
    insert into one_time_tokens (tenant_id, token_digest, purpose, user_id, email, created_at, expires_at)
    values (${tenantId}, sha256(${slug}::bytea), 'verify_email', ${userId}, 'a@b.example', now(),
      now() + interval '1 hour')`;
  await owner`
    insert into registrations (tenant_id, token_digest, email, name, locale, password_hash, created_at, expires_at)
    values (${tenantId}, sha256(${slug}::bytea), 'new@b.example', '', 'en', '$argon2id$', now(),
      now() + interval '61 minutes')`;
  const grantId = crypto.randomUUID();
  await owner`
    insert into wg_grants (tenant_id, id, name, network, protocol)
    values (${tenantId}, ${grantId}, 'office', '198.51.100.0/24', 'tcp')`;
  await owner`insert into wg_policies (tenant_id) values (${tenantId})`;
  await owner`
    insert into wg_policy_services (tenant_id, position, name, peer_id, protocol, port_from, port_to)
    values (${tenantId}, 1, 'web', ${peerId}, 'tcp', 443, 443)`;
  await owner`
    insert into wg_policy_routes (tenant_id, position, grant_id, network, protocol)
    values (${tenantId}, 1, ${grantId}, '198.51.100.0/24', 'tcp')`;
  await owner`
    insert into wg_policy_status (tenant_id, version, state)
      select tenant_id, version, 'applied' from wg_policies where tenant_id = ${tenantId}`;
  await owner`
    insert into wg_policy_outcomes (tenant_id, interface_id, version, state)
      select tenant_id, 1, version, 'applied' from wg_policies where tenant_id = ${tenantId}`;
  return {
    id: tenantId,
    slug,
    userId,
    sessionId,
    peerId,
    publicKey,
    address: peer?.address ?? "",
    apiKeyPrefix,
  };
}

/** A database with a row in every table, of two tenants; one of them is the operator's. */
export async function seedEverything(owner: Sql): Promise<void> {
  await seedInterface(owner, "10.10.0.0/24");
  const { id } = await seedTenant(owner, "alpha");
  await owner`update tenants set is_platform = true where id = ${id}`;
  await seedTenant(owner, "beta");
  await owner`insert into audit_sealer (snapshot) values (pg_current_snapshot())`;
  const { publicKey } = await generateKeyPair();
  await owner`insert into wg_release_keys (interface_id, public_key) values (1, ${publicKey})`;
}
