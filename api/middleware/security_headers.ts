import { Hono } from "hono";
import { createMiddleware } from "hono/factory";
import { secureHeaders } from "hono/secure-headers";
import type { AppEnv } from "../context.ts";

/** Nothing that the API answers loads, frames, sends or is anything for a browser. */
const nothing = ["'none'"];

const policy = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: nothing,
    baseUri: nothing,
    formAction: nothing,
    frameAncestors: nothing,
  },
  permissionsPolicy: {
    accelerometer: [],
    camera: [],
    displayCapture: [],
    geolocation: [],
    gyroscope: [],
    magnetometer: [],
    microphone: [],
    midi: [],
    payment: [],
    publickeyCredentialsGet: [],
    screenWakeLock: [],
    usb: [],
  },
  xFrameOptions: "DENY",
  strictTransportSecurity: false,
});

/** What the library would write on each answer, asked of it once. */
const everywhere = [
  ...(await new Hono().use(policy).get("/", (c) => c.body(null)).request("/")).headers,
  ["cache-control", "no-store"] as const,
];

const twoYears = 63_072_000;
const promises = {
  off: undefined,
  on: `max-age=${twoYears}`,
  // The terms of the browsers' list, and next to impossible to take back.
  preload: `max-age=${twoYears}; includeSubDomains; preload`,
} as const;
export type Hsts = keyof typeof promises;

/** What every answer carries, refusals and pages among them; HSTS only over TLS, where alone it counts (RFC 6797, 7.2). */
export function securityHeaders({ settings: { hsts } }: { settings: { hsts: Hsts } }) {
  const promise = promises[hsts];
  const overTls = promise === undefined
    ? everywhere
    : [...everywhere, ["strict-transport-security", promise] as const];
  return createMiddleware<AppEnv>(async (c, next) => {
    await next();
    const { headers } = c.res;
    const all = c.get("scheme") === "https" ? overTls : everywhere;
    // A page sets the policy that it needs, by hashes or nonces, in its own handler. Looked for while there are few:
    // each look goes through all that are there.
    const missing = all.filter(([name]) => !headers.has(name));
    for (const [name, value] of missing) headers.append(name, value);
  });
}
