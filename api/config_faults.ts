import { overlap, parseAnyNetwork } from "../lib/network.ts";
import { checkSpans } from "../lib/spans_config.ts";
import type { Settings } from "./settings.ts";

/** Settings that are well by themselves, as far as each was given or has a default. */
type Given = Partial<Settings>;
type IsGiven = (name: string) => boolean;

/** What settings that are well by themselves are not together: a line each, its variable first. */
export function faultsTogether(value: Given, isGiven: IsGiven): string[] {
  return [
    ...checkSpans(value),
    ...ofKeys(value, isGiven),
    ...ofAddresses(value, isGiven),
    ...ofTls(value, isGiven),
    ...ofMail(value, isGiven),
    ...ofLifetimes(value),
  ];
}

function ofKeys(value: Given, isGiven: IsGiven): string[] {
  const faults: string[] = [];
  if (!isGiven("JWT_SECRET") && !isGiven("JWT_KEYS")) faults.push("JWT_SECRET: is required");
  const { JWT_SECRET, JWT_KEYS, JWT_ALGORITHM = "HS256" } = value;
  const signing = JWT_KEYS?.reveal()[0]?.alg ?? "HS256";
  if (JWT_SECRET && JWT_KEYS) faults.push("JWT_KEYS: set either JWT_SECRET or JWT_KEYS, not both");
  else if ((JWT_SECRET || JWT_KEYS) && JWT_ALGORITHM !== signing) {
    faults.push(
      `JWT_ALGORITHM: is ${JWT_ALGORITHM}, but ${
        JWT_KEYS ? "the first key of JWT_KEYS is for" : "JWT_SECRET is for"
      } ${signing}`,
    );
  }
  return faults;
}

function ofAddresses(value: Given, isGiven: IsGiven): string[] {
  const faults: string[] = [];
  const { TRUSTED_PROXIES = [] } = value;
  if (value.ENV === "prod" && value.API_LISTEN === "loopback") {
    if (!isGiven("TRUSTED_PROXIES")) {
      faults.push(
        "API_LISTEN: must be tunnel when ENV=prod, unless TRUSTED_PROXIES names the proxy that stands in the tunnel",
      );
    } else if (!isGiven("PUBLIC_URL")) {
      faults.push(
        "PUBLIC_URL: needed behind a proxy: mails lead to the proxy's port, not to API_PORT",
      );
    }
  }
  if (value.API_LISTEN === "tunnel" && TRUSTED_PROXIES.length > 0) {
    faults.push(
      "TRUSTED_PROXIES: needs API_LISTEN=loopback: at the tunnel's addresses the firewall lets in nobody but peers",
    );
  }
  const tunnels = [value.WG_NETWORK, value.WG_NETWORK6].map((network) =>
    network === undefined ? undefined : parseAnyNetwork(network)
  );
  if (tunnels.some((tunnel) => tunnel && TRUSTED_PROXIES.some((proxy) => overlap(proxy, tunnel)))) {
    faults.push("TRUSTED_PROXIES: must not hold addresses of the tunnel: a peer is no proxy");
  }
  const scraped = value.OPERATOR_LISTEN && parseAnyNetwork(value.OPERATOR_LISTEN.hostname);
  if (scraped?.value === 0n) {
    faults.push(
      "OPERATOR_LISTEN: must be one address of this host: all of them holds the tunnel's",
    );
  } else if (scraped && tunnels.some((tunnel) => tunnel && overlap(tunnel, scraped))) {
    faults.push(
      "OPERATOR_LISTEN: must not be an address of the tunnel: what peers reach is the API",
    );
  }
  return faults;
}

function ofTls(value: Given, isGiven: IsGiven): string[] {
  const faults: string[] = [];
  const { TLS_CERT_FILE, PUBLIC_URL, HSTS } = value;
  if (isGiven("TLS_CERT_FILE") !== isGiven("TLS_KEY_FILE")) {
    faults.push("TLS_KEY_FILE: goes with TLS_CERT_FILE: set both or none");
  }
  if (TLS_CERT_FILE && PUBLIC_URL?.startsWith("http:")) {
    faults.push("PUBLIC_URL: must be https:// where TLS_CERT_FILE is set");
  }
  if (HSTS === "preload" && !TLS_CERT_FILE && !PUBLIC_URL?.startsWith("https:")) {
    faults.push("HSTS: preload needs TLS: TLS_CERT_FILE, or a PUBLIC_URL with https://");
  }
  return faults;
}

function ofMail(value: Given, isGiven: IsGiven): string[] {
  const faults: string[] = [];
  if (isGiven("SMTP_URL") && !isGiven("MAIL_FROM")) {
    faults.push("MAIL_FROM: is required with SMTP_URL: an address that the server sends for");
  }
  if (value.SMTP_TLS === "off" && value.SMTP_URL?.reveal().startsWith("smtps:")) {
    faults.push("SMTP_TLS: off contradicts smtps://");
  }
  return faults;
}

function ofLifetimes(value: Given): string[] {
  const faults: string[] = [];
  const { SESSION_LIFETIME = 0, REFRESH_TOKEN_LIFETIME = 0, ACCESS_TOKEN_LIFETIME = 0 } = value;
  if (SESSION_LIFETIME > 30 * 86400) faults.push("SESSION_LIFETIME: must be at most 30d");
  if (value.SESSION_LIFETIME !== undefined && REFRESH_TOKEN_LIFETIME > SESSION_LIFETIME) {
    faults.push("REFRESH_TOKEN_LIFETIME: must not be longer than SESSION_LIFETIME");
  }
  if (ACCESS_TOKEN_LIFETIME > 3600) faults.push("ACCESS_TOKEN_LIFETIME: must be at most 1h");
  return faults;
}
