import type { Context } from "hono";
import { preferred } from "./accept.ts";
import { presharedKeyRow } from "../../../lib/seal.ts";
import type { Secret } from "../../../lib/secret.ts";
import { generateKeyPair, generatePresharedKey } from "../../../lib/wireguard_key.ts";
import type { AppEnv } from "../../context.ts";
import type { Deps } from "../../deps.ts";
import { ApiError, invalidField } from "../../errors.ts";
import { hostRoute, renderClientConfig, unreachableResolvers } from "./client_config.ts";
import { configFileName } from "./policy.ts";
import { fitsQr, qrPng, qrSvg } from "./qr_code.ts";
import type { PeerView } from "./schemas.ts";
import type { GatewayRow } from "./store.ts";

/** The keys of a peer: the caller's own public key, or a pair made here whose private half is returned once. */
export interface PeerKeys {
  publicKey: string;
  privateKey: Secret<string> | null;
  presharedKey: Secret<string> | null;
  /** The preshared key as the database keeps it. */
  sealedPresharedKey: Uint8Array | null;
}

/** @param owner what the sealed preshared key is bound to, with the public key */
export async function makeKeys(
  deps: Pick<Deps, "presharedKeys">,
  owner: { tenantId: number; peerId: string },
  choice: { public_key?: string | undefined; preshared_key: boolean },
): Promise<PeerKeys> {
  const pair = choice.public_key === undefined ? await generateKeyPair() : null;
  const publicKey = choice.public_key ?? pair?.publicKey ?? "";
  const presharedKey = choice.preshared_key ? generatePresharedKey() : null;
  const row = presharedKeyRow({ ...owner, publicKey });
  return {
    publicKey,
    privateKey: pair?.privateKey ?? null,
    presharedKey,
    sealedPresharedKey: presharedKey &&
      await deps.presharedKeys.seal(new TextEncoder().encode(presharedKey.reveal()), row),
  };
}

/** A gateway that clients can be pointed at. */
export type ReadyGateway = GatewayRow & { public_key: string };

/** @throws {ApiError} `gateway_not_ready` before its daemon was started once */
export function requireGateway(row: GatewayRow | undefined): ReadyGateway {
  if (!row || row.public_key === null) throw new ApiError("gateway_not_ready", { retryAfter: 2 });
  return { ...row, public_key: row.public_key };
}

/** Where the API answers inside the tunnel. */
export function servedAddresses(row: GatewayRow): string[] {
  const { gateway, api_address, gateway6, api_address6 } = row;
  return [gateway, api_address, gateway6, api_address6].filter((address) => address !== null);
}

/** The client routes what the peer or its tenant sets, else the API and the gateway alone. */
function routesOf(gateway: GatewayRow, own: readonly string[] | null): string[] {
  const routes = own ?? gateway.client_allowed_ips;
  return routes ? [...routes] : servedAddresses(gateway).map(hostRoute);
}

const lastTime = Date.parse("9999-12-31T23:59:59.999Z");

/** A time given by the caller. @throws {ApiError} where it is not in the future */
export function futureTime(field: string, text: string, now: number): Date {
  const time = new Date(text);
  if (time.getTime() <= now) throw invalidField(field, "in_the_past", "must be in the future");
  // Beyond, an offset leads into a year that RFC 3339 cannot write.
  if (time.getTime() > lastTime) {
    throw invalidField(field, "too_late", "must be before the year 10000");
  }
  return time;
}

/** Refuses resolvers that the peer could not reach. */
export function checkResolvers(
  gateway: GatewayRow,
  { dns, client_allowed_ips }: { dns: string[] | null; client_allowed_ips: string[] | null },
  field = "dns",
): void {
  const { network, network6 } = gateway;
  const routes = [
    ...routesOf(gateway, client_allowed_ips),
    network,
    ...(network6 === null ? [] : [network6]),
  ];
  const [first] = unreachableResolvers(dns ?? [], routes);
  if (first !== undefined) {
    throw invalidField(
      `${field}.${dns?.indexOf(first)}`,
      "unreachable",
      `${first} would be looked for inside the tunnel, where nothing answers it`,
    );
  }
}

/** The representations of a provisioned peer. */
const provisionTypes = [
  "application/json",
  "text/plain",
  "image/svg+xml",
  "image/png",
] as const;
type ProvisionType = typeof provisionTypes[number];

/**
 * Chooses what to answer with before anything is created.
 * @throws {ApiError} `not_acceptable`, also for a QR code of a file that has no private key, and for any form of
 * a file that is not given out now
 */
export function chooseType(
  c: Context<AppEnv>,
  { ownKey, link }: { ownKey: boolean; link: boolean },
): ProvisionType {
  const type = preferred(c.req.header("accept"), provisionTypes);
  if (!type || (ownKey && type.startsWith("image/")) || (link && type !== "application/json")) {
    throw new ApiError("not_acceptable");
  }
  return type;
}

/**
 * Refuses a form that the file cannot have, while the change can still be rolled back.
 * @throws {ApiError} `not_acceptable` for a QR code of a file without a private key, or longer than a code holds
 */
export function holdToType(type: ProvisionType, config: string | null): void {
  if (type.startsWith("image/") && config !== null && !drawable(config)) {
    throw new ApiError("not_acceptable");
  }
}

function drawable(config: string): boolean {
  return /^PrivateKey = /m.test(config) && fitsQr(config);
}

/** What goes into a client's file, of a peer as it is. */
export function clientFile(
  deps: Pick<Deps, "settings">,
  { peer, keys, gateway }: {
    peer: Omit<PeerView, "status" | "status_reason">;
    keys: Pick<PeerKeys, "privateKey" | "presharedKey">;
    gateway: ReadyGateway;
  },
): string {
  const routes = routesOf(gateway, peer.client_allowed_ips);
  const dns = peer.dns ?? gateway.dns ?? deps.settings.dns;
  const unreachable = unreachableResolvers(dns, routes);
  return renderClientConfig({
    peerName: peer.name,
    privateKey: keys.privateKey,
    presharedKey: keys.presharedKey,
    addresses: [peer.address, ...(peer.address6 === undefined ? [] : [peer.address6])],
    mtu: peer.mtu ?? gateway.mtu,
    dns: dns.filter((address) => !unreachable.includes(address)),
    gatewayPublicKey: gateway.public_key,
    endpoint: gateway.endpoint,
    allowedIps: routes,
    persistentKeepalive: peer.persistent_keepalive ?? gateway.persistent_keepalive,
  });
}

/** A peer with its client's file, and that as a QR code where it fits one. */
export function provisionedView(made: {
  peer: PeerView;
  config: string | null;
  delivery?: { token: string; expires_at: string } | null;
}) {
  const { peer, config, delivery = null } = made;
  const qr = config !== null && drawable(config) ? { svg: qrSvg(config) } : null;
  return { peer, config, qr, delivery };
}

/** The answer that carries a client's secrets, this once; or the token that fetches them. */
export function provisionResponse<S extends 200 | 201>(
  c: Context<AppEnv>,
  made: {
    type: ProvisionType;
    status: S;
    peer: PeerView;
    /** Null where the client has its file already. */
    config: string | null;
    delivery?: { token: string; expires_at: string } | null;
  },
) {
  const { peer, config, type, status, delivery = null } = made;
  if (config === null || delivery) {
    if (type !== "application/json") throw new ApiError("not_acceptable");
    return c.json(provisionedView({ peer, config: null, delivery }), status);
  }
  const fileName = configFileName(peer.name);
  const attachment = (name: string) => ({
    "Content-Disposition": `attachment; filename="${name}"`,
  });
  switch (type) {
    case "application/json":
      return c.json(provisionedView({ peer, config, delivery }), status);
    case "text/plain":
      return c.body(config, status, {
        "Content-Type": "text/plain; charset=utf-8",
        ...attachment(fileName),
      });
    case "image/svg+xml":
      return c.body(qrSvg(config), status, { "Content-Type": type });
    case "image/png":
      return c.body(qrPng(config), status, { "Content-Type": type });
  }
}
