/** Whole statements, that a trigger or a function refuses, and that it takes; tenant 1 is the platform, 2 another. */
export interface RaisedRule {
  arrange?: string;
  refuses: string[];
  takes: string[];
}

const as = (role: "api" | "wgd" | "platform", statement: string) =>
  `set local role massacorp_${role}; set local app.tenant_id = '2'; ${statement}`;
const key = (letter: string) => `'${letter.repeat(42)}A='`;
const ofTwo = "where tenant_id = 2";
const insertPeer = (letter = "B", address = "10.10.0.100") =>
  `update wg_ip_pool set free_from = null where address = '${address}';
   insert into wg_peers (tenant_id, id, interface_id, name, public_key, address)
     values (2, gen_random_uuid(), 1, 'another', ${key(letter)}, '${address}')`;
const secondGateway = `insert into wg_interfaces (id, name, network, listen_port, endpoint, mtu)
    values (2, 'wg1', '10.11.0.0/24', 51820, 'vpn2.example.com:51820', 1420);
  update wg_ip_pool set free_from = null where interface_id = 2 and address = '10.11.0.9'`;
const move = "interface_id = 2, address = '10.11.0.9'";
const successor = `successor_public_key = ${
  key("S")
}, successor_deadline = now() + interval '1 hour'`;
const setPeer = (set: string) => `update wg_peers set ${set} ${ofTwo}`;
const route = (set: string) => `update wg_policy_routes set ${set} ${ofTwo}`;
const half = "insert into tenants (slug, name, unfinished_since) values ('half', 'Half', now())";
const months = "date_trunc('month', now() at time zone 'UTC')";
const drop = (cut: string) => `select audit_drop_partitions(${cut})`;
const admin = `insert into user_roles (tenant_id, user_id, role_id)
  select 2, u.id, r.id from roles r, users u
  where r.tenant_id = 2 and r.system = 'admin' and u.tenant_id = 2`;
const secondUser =
  `insert into users (tenant_id, email, password_hash) values (2, 'second@b.example', '$argon2id$')`;
const losesHis = "role_id = (select id from roles where tenant_id = 2 and system = 'admin')";
const bcrypt = `$2b$10$${"f".repeat(53)}`;

/** Every rule that a function raises by name. */
export const raised: Record<string, RaisedRule> = {
  audit_retention_keeps_a_whole_month: {
    refuses: [
      drop("null"),
      drop(`${months} at time zone 'UTC'`),
      drop(`(${months} - interval '1 month' + interval '1 microsecond') at time zone 'UTC'`),
      drop(`(${months} - interval '1 year' - interval '1 day') at time zone 'UTC'`),
      drop("'infinity'"),
    ],
    takes: [drop(`(${months} - interval '1 month') at time zone 'UTC'`), drop("'2020-01-01Z'")],
  },
  audit_retention_keeps_what_is_not_sealed: {
    arrange:
      `create table audit_log_2020_01 partition of audit_log for values from ('2020-01-01Z') to ('2020-02-01Z');
      alter table audit_log_2020_01 owner to massacorp_owner;
      insert into audit_log (tenant_id, at, actor, action, outcome)
        values (2, '2020-01-31 23:59:59Z', 'operator', 'tenant.create', 'succeeded')`,
    refuses: [
      drop("'2020-02-01Z'"),
      `insert into audit_seals select tenant_id, 9, id + 1, at, sha256(''), now(), sha256('') from audit_log_2020_01;
       ${drop("'2020-02-01Z'")}`,
    ],
    takes: [
      drop("'2020-01-01Z'"),
      `insert into audit_seals select tenant_id, 9, id, at, sha256(''), now(), sha256('') from audit_log_2020_01;
       ${drop("'2020-02-01Z'")}`,
    ],
  },
  tenants_are_suspended_before: {
    refuses: ["select erase_tenant(1)", "select erase_tenant(2)", "select erase_tenant(999)"],
    takes: ["update tenants set status = 'suspended' where id = 2; select erase_tenant(2)"],
  },
  tenants_are_finished_once: {
    refuses: [
      "update tenants set unfinished_since = now() where id = 2",
      `${half}; update tenants set unfinished_since = 'infinity' where slug = 'half'`,
      `${half}; update tenants set status = 'deleted', slug = null, name = '-' where slug = 'half';
       update tenants set unfinished_since = null where unfinished_since is not null`,
    ],
    takes: [
      `${half}; update tenants set unfinished_since = null where slug = 'half' and status = 'suspended'`,
      `${half}; update tenants set unfinished_since = unfinished_since where slug = 'half'`,
    ],
  },
  mfa_factors_use_up_steps: {
    arrange: "update mfa_factors set last_step = 5",
    refuses: ["update mfa_factors set last_step = 4"],
    takes: ["update mfa_factors set last_step = 5", "update mfa_factors set last_step = 6"],
  },
  roles_of_a_tenant_are_at_most_100: {
    // The seed's and those of the system, which do not count.
    arrange:
      "insert into roles (tenant_id, name) select 2, 'role' || n from generate_series(2, 99) n",
    refuses: ["insert into roles (tenant_id, name) values (2, 'one'), (2, 'too-many')"],
    takes: ["insert into roles (tenant_id, name) values (2, 'one')"],
  },
  tenants_keep_an_admin: {
    arrange: admin,
    refuses: [
      `delete from user_roles ${ofTwo} and ${losesHis}`,
      `update user_roles set expires_at = now() + interval '1 year' ${ofTwo} and ${losesHis}`,
      `update users set status = 'inactive' ${ofTwo}`,
      // Whoever is inactive, or is admin for a while, is none.
      `${secondUser}; ${admin} and u.email = 'second@b.example'; update users set status = 'inactive' ${ofTwo}`,
      `${secondUser}; insert into user_roles select 2, u.id, r.id, null, now(), now() + interval '1 year'
         from roles r, users u where r.tenant_id = 2 and r.system = 'admin' and u.email = 'second@b.example';
       delete from user_roles ${ofTwo} and ${losesHis} and expires_at is null`,
    ],
    takes: [
      `delete from user_roles ${ofTwo} and not ${losesHis}`,
      `${secondUser}; ${admin} and u.email = 'second@b.example';
       update users set status = 'inactive' where email = 'second@b.example'`,
      `${secondUser}; update users set status = 'inactive' where email = 'second@b.example'`,
    ],
  },
  user_roles_of_a_user_are_at_most_20: {
    // One is the seed's.
    arrange:
      `insert into roles (tenant_id, name) select 2, 'role' || n from generate_series(1, 20) n;
      insert into user_roles (tenant_id, user_id, role_id)
        select 2, u.id, r.id from users u, roles r
        where u.tenant_id = 2 and r.tenant_id = 2 and r.name ~ '^role[0-9]+$' and r.name not in ('role1', 'role2')`,
    refuses: ["('role1', 'role2')"].map((names) =>
      `insert into user_roles (tenant_id, user_id, role_id)
        select 2, u.id, r.id from users u, roles r where u.tenant_id = 2 and r.tenant_id = 2 and r.name in ${names}`
    ),
    takes: [`insert into user_roles (tenant_id, user_id, role_id)
        select 2, u.id, r.id from users u, roles r where u.tenant_id = 2 and r.tenant_id = 2 and r.name = 'role1'`],
  },
  users_take_bcrypt_by_import: {
    refuses: [
      as("api", `update users set password_hash = '${bcrypt}'`),
      as(
        "api",
        `insert into users (tenant_id, email, password_hash) values (2, 'second@b.example', '${bcrypt}')`,
      ),
    ],
    takes: [
      as("api", "update users set password_hash = '$argon2id$new'"),
      as(
        "platform",
        `insert into users (tenant_id, email, password_hash) values (2, 'second@b.example', '${bcrypt}')`,
      ),
    ],
  },

  wg_grants_network_is_no_tunnel: {
    arrange: "update wg_interfaces set network6 = 'fd12:3456:789a:1::/64'",
    refuses: [
      "10.10.0.0/24",
      "10.10.0.255",
      "10.0.0.0/8",
      "fd12:3456:789a:1::/64",
      "fd12:3456::/32",
    ]
      .map((network) => `update wg_grants set network = '${network}' ${ofTwo}`),
    takes: ["10.9.255.255", "10.10.1.0/24", "fd12:3456:789a:2::/64"]
      .map((network) => `update wg_grants set network = '${network}' ${ofTwo}`),
  },
  wg_interfaces_network_is_not_granted: {
    refuses: [
      "update wg_interfaces set id = id, network = '198.51.100.0/24'",
      "update wg_grants set network = 'fd12:3456::/32'; update wg_interfaces set network6 = 'fd12:3456:789a:1::/64'",
      `${secondGateway}; update wg_interfaces set network = '198.51.0.0/16' where id = 2`,
    ],
    takes: [
      "update wg_interfaces set network6 = 'fd12:3456:789a:1::/64'",
      "update wg_grants set network = 'fd12:3457::/32'; update wg_interfaces set network6 = 'fd12:3456:789a:1::/64'",
    ],
  },
  wg_interfaces_network6_stays: {
    arrange: "update wg_interfaces set network6 = 'fd12:3456:789a:1::/64'",
    refuses: ["update wg_interfaces set network6 = 'fd12:3456:789a:2::/64'"],
    takes: [
      "update wg_interfaces set network6 = null",
      "update wg_interfaces set network6 = network6",
    ],
  },
  wg_interfaces_network_only_grows: {
    refuses: ["10.10.0.0/25", "10.10.1.0/24", "10.11.0.0/16", "10.0.0.0/12"]
      .map((network) => `update wg_interfaces set network = '${network}'`),
    takes: ["10.10.0.0/24", "10.10.0.0/16"]
      .map((network) => `update wg_interfaces set network = '${network}'`),
  },
  wg_interfaces_retirement_is_final: {
    arrange: `${secondGateway}; update wg_ip_pool set free_from = now() where interface_id = 2;
      update wg_interfaces set accepts_peers = false, retired_at = now() where id = 2`,
    refuses: ["retired_at = null", "mtu = 1400", "accepts_peers = true, retired_at = null"]
      .map((set) => `update wg_interfaces set ${set} where id = 2`),
    takes: ["update wg_interfaces set mtu = 1400 where id = 1"],
  },
  wg_interfaces_retire_without_peers: {
    arrange: secondGateway,
    refuses: [
      "update wg_interfaces set accepts_peers = false, retired_at = now() where id = 2",
      `update wg_ip_pool set free_from = 'infinity' where interface_id = 2 and address = '10.11.0.9';
       update wg_interfaces set accepts_peers = false, retired_at = now() where id = 2`,
    ],
    takes: [
      `update wg_ip_pool set free_from = now() + interval '1 hour' where interface_id = 2;
       update wg_interfaces set accepts_peers = false, retired_at = now() where id = 2`,
      "update wg_interfaces set accepts_peers = false where id = 2",
    ],
  },
  wg_peer_traffic_never_runs_backwards: {
    refuses: ["received_bytes", "sent_bytes", "events"]
      .map((column) => `update wg_peer_traffic set ${column} = ${column} - 1`),
    takes: [
      "received_bytes = received_bytes",
      "sent_bytes = sent_bytes + 1, events = events + 1",
      "key_sent_bytes = 0",
    ]
      .map((set) => `update wg_peer_traffic set ${set} ${ofTwo}`),
  },

  wg_peers_gateway_takes_peers: {
    refuses: [
      `update wg_interfaces set accepts_peers = false; ${insertPeer()}`,
      `${secondGateway}; update wg_interfaces set accepts_peers = false where id = 2; ${
        setPeer(move)
      }`,
    ],
    takes: [
      `update wg_interfaces set accepts_peers = false; ${setPeer("name = 'renamed'")}`,
      insertPeer(),
    ],
  },
  wg_peers_fit_the_quota: {
    // It holds an address, and another one of it rests.
    refuses: [
      `update tenants set peer_quota = 2 where id = 2; ${insertPeer()}`,
      `update tenants set peer_quota = 0 where id = 2; ${insertPeer()}`,
      `update tenants set peer_quota = 3 where id = 2; ${insertPeer()}; ${
        insertPeer("C", "10.10.0.101")
      }`,
      `update wg_interfaces set tenant_share = 1; ${insertPeer()}`,
    ],
    takes: [
      `update tenants set peer_quota = 3 where id = 2; ${insertPeer()}`,
      `update wg_interfaces set tenant_share = 2; ${insertPeer()}; ${
        insertPeer("C", "10.10.0.101")
      }`,
    ],
  },
  wg_peers_removal_is_final: {
    arrange: setPeer("deleted_at = now()"),
    refuses: [setPeer("deleted_at = null")],
    takes: [setPeer("deleted_at = deleted_at + interval '1 hour'")],
  },
  wg_peers_address_moves_with_the_gateway: {
    refuses: [as("api", setPeer("address = '10.10.0.101'"))],
    takes: [
      `${secondGateway}; ${as("api", setPeer(move))}`,
      setPeer("address = '10.10.0.101'"),
      as("api", setPeer("address = address")),
    ],
  },
  wg_peers_removed_do_not_move: {
    arrange: secondGateway,
    refuses: [
      setPeer(`deleted_at = now(), ${move}`),
      `${setPeer("deleted_at = now()")}; ${setPeer(move)}`,
    ],
    takes: [setPeer(move)],
  },
  wg_peers_new_address_is_taken: {
    arrange: secondGateway,
    refuses: ["interface_id = 2, address = '10.11.0.10'", "interface_id = 2"].map(setPeer),
    takes: [setPeer(move)],
  },
  wg_peers_successors_do_not_move: {
    arrange: `${secondGateway}; ${setPeer(successor)}`,
    refuses: [setPeer(move), setPeer(`${move}, successor_deadline = now()`)],
    takes: [setPeer(`${move}, successor_public_key = null, successor_deadline = null`)],
  },
  wg_peers_daemon_only_promotes: {
    arrange: setPeer(
      `${successor}, preshared_key = decode(repeat('aa', 81), 'hex'), successor_preshared_key = decode(repeat('bb', 81), 'hex')`,
    ),
    refuses: [
      "public_key = public_key",
      `public_key = ${key("D")}`,
      "public_key = successor_public_key",
      "public_key = successor_public_key, preshared_key = successor_preshared_key, successor_preshared_key = null",
      `public_key = successor_public_key, preshared_key = preshared_key, successor_public_key = null,
        successor_preshared_key = null, successor_deadline = null`,
      "successor_public_key = null, successor_preshared_key = null, successor_deadline = null",
    ].map((set) => as("wgd", setPeer(set))),
    takes: [
      as(
        "wgd",
        setPeer(`public_key = successor_public_key, preshared_key = successor_preshared_key,
          successor_public_key = null, successor_preshared_key = null, successor_deadline = null`),
      ),
    ],
  },
  wg_peers_only_the_daemon_promotes: {
    arrange: setPeer(successor),
    refuses: [
      as(
        "api",
        setPeer(
          "public_key = successor_public_key, successor_public_key = null, successor_deadline = null",
        ),
      ),
    ],
    takes: [
      as("api", setPeer(`public_key = ${key("D")}`)),
      as("api", setPeer("successor_public_key = null, successor_deadline = null")),
    ],
  },
  wg_peers_public_key_is_no_gateway: {
    refuses: [
      "update wg_peers p set public_key = i.public_key from wg_interfaces i",
      `update wg_peers p set successor_public_key = i.public_key, successor_deadline = now() from wg_interfaces i`,
      `update wg_interfaces set public_key = ${key("B")}; ${insertPeer()}`,
    ],
    takes: [insertPeer()],
  },
  wg_policy_routes_are_granted: {
    arrange: `update wg_grants set protocol = 'tcp', port_from = 10, port_to = 20 ${ofTwo}`,
    refuses: [
      "network = '198.51.0.0/16'",
      "network = '198.51.101.0/24'",
      "network = '198.51.100.0/24', protocol = 'udp', port_from = 10, port_to = 20",
      "network = '198.51.100.0/24', protocol = 'any'",
      "port_from = null, port_to = null",
      "port_from = 9, port_to = 20",
      "port_from = 10, port_to = 21",
    ].map((set) => route(set.includes("port_from") ? set : `${set}, port_from = 10, port_to = 20`)),
    takes: [
      "network = '198.51.100.0/24', port_from = 10, port_to = 20",
      "network = '198.51.100.255', port_from = 15, port_to = 15",
    ].map(route),
  },
};
