import {
  atLeast,
  base64Key,
  both,
  octets,
  oneOf,
  pattern,
  printable,
  range,
  type Rule,
  within,
} from "./shapes.ts";

const key = (letter: string) => `'${letter.repeat(42)}A='`;
const host = (length: number) => "h".repeat(length);

/** Ports both or none, from 1 to 65535, and in their order. */
const ports = (protocol = "protocol = 'tcp'"): Rule => ({
  refuses: [
    "port_from = 1, port_to = 0",
    "port_from = 0, port_to = 1",
    "port_from = 2, port_to = 1",
    "port_from = 65535, port_to = 65536",
    "port_from = null, port_to = 1",
    "port_from = 1, port_to = null",
  ].map((range) => `${range}, ${protocol}`),
  takes: [
    "port_from = 1, port_to = 1",
    "port_from = 1, port_to = 65535",
    "port_from = null, port_to = null",
  ]
    .map((range) => `${range}, ${protocol}`),
});
const portsOfProtocols: Rule = {
  refuses: [
    "protocol = 'icmp', port_from = 1, port_to = 1",
    "protocol = 'any', port_from = 1, port_to = 1",
  ],
  takes: [
    "protocol = 'tcp', port_from = 1, port_to = 1",
    "protocol = 'udp', port_from = 1, port_to = 1",
    "protocol = 'icmp', port_from = null, port_to = null",
    "protocol = 'any', port_from = null, port_to = null",
  ],
};
const explained = (trouble: string[], well: string[]): Rule => ({
  refuses: [
    ...trouble.map((state) => `state = '${state}', error = null`),
    ...well.map((state) => `state = '${state}', error = 'because'`),
  ],
  takes: [
    ...trouble.map((state) => `state = '${state}', error = 'because'`),
    ...well.map((state) => `state = '${state}', error = null`),
  ],
});
const states = (trouble: string[], well: string[]): Rule =>
  both(
    oneOf("state", well, { beside: "error = null" }),
    { refuses: [], takes: trouble.map((state) => `state = '${state}', error = 'because'`) },
  );
/** Its grant's border is not what is in question. */
const ofAnyGrant =
  "alter table wg_policy_routes disable trigger wg_policy_routes_stay_within_grants";
/** A network is moved by nobody, and this is what stands before that. */
const movable = "alter table wg_interfaces disable trigger user";
const endpoint = octetsOf("endpoint", 3, 80);

function octetsOf(column: string, least: number, most: number): Rule {
  return {
    refuses: [least - 1, most + 1].map((length) => `${column} = '${host(length)}'`),
    takes: [least, most].map((length) => `${column} = '${host(length)}'`),
  };
}

/** Gateways, their peers, and what peers reach. */
export const wireguard: Record<string, Rule> = {
  wg_interfaces_addresses_rest_up_to_30_days: {
    refuses: ["address_rest = '-1 microsecond'", "address_rest = '30 days 1 microsecond'"],
    takes: ["address_rest = '0'", "address_rest = '30 days'"],
  },
  wg_interfaces_endpoint_has_a_port: pattern(
    "endpoint",
    [
      "",
      "a",
      ":1",
      "a:",
      "a b:1",
      "a:0",
      "a:01",
      "a:65536",
      "a:70000",
      "a:100000",
      "a:1\n",
      `${host(254)}:1`,
    ],
    [
      "a:1",
      "a:9999",
      "a:59999",
      "a:64999",
      "a:65499",
      "a:65529",
      "[fd00::1]:65535",
      `${host(253)}:51820`,
    ],
  ),
  wg_interfaces_mtu_is_usable: range("mtu", 1280, 9000),
  wg_interfaces_name_is_one_of_linux: pattern(
    "name",
    ["", host(16), "wg 0", "wg/0", "wg0\n", "wg;0"],
    ["w", host(15), "aZ09_=+.-"],
  ),
  wg_interfaces_network6_is_a_ula_64: {
    arrange: movable,
    ...pattern(
      "network6",
      ["fd00::/63", "fd00::/65", "fc00::/64", "fe00::/64", "2001:db8::/64", "fd00::/8"],
      ["fd00::/64", "fdff:ffff:ffff:ffff::/64"],
    ),
  },
  wg_interfaces_network_is_12_to_28: {
    arrange: movable,
    ...pattern("network", ["10.0.0.0/11", "10.0.0.0/29", "10.0.0.1/32"], [
      "10.0.0.0/12",
      "10.0.0.0/28",
    ]),
  },
  wg_interfaces_network_is_ipv4: {
    arrange: movable,
    // Narrow enough for the rule above, which speaks first.
    ...pattern("network", ["fd00::/24"], ["10.0.0.0/24"]),
  },
  wg_interfaces_port_is_a_port: range("listen_port", 1, 65_535),
  wg_interfaces_public_key_is_a_key: base64Key("public_key"),
  wg_interfaces_receipt_key_is_a_key: base64Key("receipt_key"),
  wg_interfaces_retired_accept_nobody: {
    arrange: movable,
    refuses: ["retired_at = now(), accepts_peers = true"],
    takes: ["retired_at = now(), accepts_peers = false", "retired_at = null, accepts_peers = true"],
  },
  wg_interfaces_tenant_share_is_a_percentage: range("tenant_share", 1, 100),
  wg_ip_pool_address_is_one_host: {
    // That no peer holds.
    arrange: "insert into wg_ip_pool (interface_id, address) values (1, '10.10.0.1')",
    ...pattern("address", ["10.10.0.1/24", "10.10.0.9/31", "fd00::1"], ["198.51.100.1"]),
  },

  wg_peers_disabled_by_is_known: oneOf("disabled_by", ["owner", "admin"]),
  wg_peers_enrolment_ends_within_a_day: {
    refuses: [
      "kind = 'enrolment', expires_at = null",
      ...within("expires_at", "24 hours").refuses.map((set) => `kind = 'enrolment', ${set}`),
    ],
    takes: [
      ...within("expires_at", "24 hours").takes.map((set) => `kind = 'enrolment', ${set}`),
      "kind = 'permanent', expires_at = 'infinity'",
    ],
  },
  wg_peers_expiry_set_by_is_known: oneOf("expiry_set_by", ["owner", "admin"]),
  wg_peers_keepalive_is_16_bit: range("persistent_keepalive", 0, 65_535),
  wg_peers_kind_is_known: oneOf("kind", ["permanent", "enrolment"], {
    beside: "expires_at = created_at",
  }),
  wg_peers_mtu_is_usable: range("mtu", 1280, 9000),
  wg_peers_name_is_printable: printable("name", 1, 64),
  wg_peers_preshared_key_is_sealed: both(
    octets("preshared_key", 73, 73),
    octets("preshared_key", 81, 81),
  ),
  wg_peers_public_key_is_a_key: base64Key("public_key"),
  wg_peers_removed_have_no_successor: {
    // Its generation's trigger takes the successor of who is removed.
    arrange: `alter table wg_peers disable trigger wg_peers_generation;
      alter table wg_peers disable trigger wg_peers_retire_key`,
    refuses: [`deleted_at = now(), successor_public_key = ${key("B")}, successor_deadline = now()`],
    takes: ["deleted_at = now()", `successor_public_key = ${key("B")}, successor_deadline = now()`],
  },
  wg_peers_successor_has_a_deadline: {
    refuses: [`successor_public_key = ${key("B")}`, "successor_deadline = now()"],
    takes: [`successor_public_key = ${key("B")}, successor_deadline = now()`],
  },
  wg_peers_successor_is_a_key: base64Key("successor_public_key", {
    beside: "successor_deadline = now()",
  }),
  wg_peers_successor_is_another_key: {
    refuses: ["successor_public_key = public_key, successor_deadline = now()"],
    takes: [`successor_public_key = ${key("B")}, successor_deadline = now()`],
  },
  wg_peers_successor_preshared_key_is_sealed: (() => {
    const waiting = { beside: `successor_public_key = ${key("B")}, successor_deadline = now()` };
    return both(
      octets("successor_preshared_key", 73, 73, waiting),
      octets("successor_preshared_key", 81, 81, waiting),
      {
        refuses: ["successor_preshared_key = decode(repeat('ff', 73), 'hex')"],
        takes: [waiting.beside],
      },
    );
  })(),
  wg_peer_events_endpoint_is_bounded: endpoint,
  wg_peer_events_kind_is_known: oneOf("kind", ["connected", "disconnected", "endpoint_changed"]),
  wg_peer_status_state_is_known: states(["failed", "held"], ["applied", "removed"]),
  wg_peer_status_trouble_is_explained: explained(["failed", "held"], ["applied", "removed"]),
  wg_peer_traffic_counts_up_from_nothing: {
    // What never runs backwards does not get here.
    arrange: "alter table wg_peer_traffic disable trigger wg_peer_traffic_never_runs_backwards",
    ...both(
      ...["received_bytes", "sent_bytes", "key_received_bytes", "key_sent_bytes", "events"]
        .map((column) => atLeast(column, 0)),
    ),
  },
  wg_peer_traffic_endpoint_is_bounded: endpoint,
  wg_deliveries_config_is_bounded: octets("sealed_config", 30, 16_384),
  wg_deliveries_last_minutes: within("expires_at", "1 hour"),
  wg_deliveries_token_is_a_sha256: octets("token_digest", 32, 32),
  wg_receipts_gateway_key_is_a_key: base64Key("gateway_key"),
  wg_receipts_public_key_is_a_key: base64Key("public_key"),
  wg_receipts_receipt_key_is_a_key: base64Key("receipt_key"),
  wg_receipts_signature_is_ed25519: octets("signature", 64, 64),
  wg_receipts_what_is_known: oneOf("what", ["peer", "key"]),
  wg_release_keys_public_key_is_a_key: base64Key("public_key"),

  wg_grants_name_is_printable: printable("name", 1, 64),
  wg_grants_network_is_no_infrastructure: pattern(
    "network",
    [
      "0.0.0.0/8",
      "0.255.255.255",
      "127.0.0.1",
      "126.0.0.0/7",
      "169.254.169.254",
      "169.254.0.0/15",
      "224.0.0.0",
      "255.255.255.255",
      "128.0.0.0/1",
      "100.100.100.200",
      "100.64.0.0/10",
      "192.0.0.192",
      "192.0.0.0/24",
      "::1",
      "::ffff:0:0/96",
      "fe80::/16",
      "febf:ffff::/32",
      "ff02::1",
      "fd00:ec2::254",
      "fd00:ec2::/32",
      "fd20:ce::254",
    ],
    [
      "1.0.0.0/8",
      "126.0.0.0/8",
      "128.0.0.0/8",
      "169.253.0.0/16",
      "169.255.0.0/16",
      "223.255.255.255",
      "100.100.100.201",
      "192.0.0.193",
      "100::/16",
      "fe7f::/16",
      "fec0::/16",
      "fd00:ec2::255",
      "fd20:ce::255",
    ],
  ),
  wg_grants_network_is_not_too_wide: pattern(
    "network",
    ["12.0.0.0/7", "2000::/15"],
    ["12.0.0.0/8", "2001::/16"],
  ),
  wg_grants_ports_are_a_range: ports(),
  wg_grants_ports_belong_to_tcp_or_udp: portsOfProtocols,
  wg_grants_protocol_is_known: oneOf("protocol", ["tcp", "udp", "icmp", "any"]),
  wg_policy_outcomes_rejection_is_explained: explained(["rejected"], ["applied"]),
  wg_policy_outcomes_state_is_known: states(["rejected"], ["applied"]),
  wg_policy_routes_are_at_most_128: range("position", 1, 128),
  wg_policy_routes_ports_are_a_range: { arrange: ofAnyGrant, ...ports() },
  wg_policy_routes_ports_belong_to_tcp_or_udp: { arrange: ofAnyGrant, ...portsOfProtocols },
  wg_policy_routes_protocol_is_known: {
    arrange: ofAnyGrant,
    ...oneOf("protocol", ["tcp", "udp", "icmp", "any"]),
  },
  wg_policy_services_are_at_most_128: range("position", 1, 128),
  wg_policy_services_name_is_printable: printable("name", 1, 64),
  wg_policy_services_ports_are_a_range: {
    refuses: ports().refuses.filter((set) => !set.includes("null")),
    takes: ports().takes.filter((set) => !set.includes("null")),
  },
  wg_policy_services_protocol_is_known: oneOf("protocol", ["tcp", "udp"]),
  wg_policy_status_rejection_is_explained: explained(["rejected"], ["applied"]),
  wg_policy_status_state_is_known: states(["rejected"], ["applied"]),
};
