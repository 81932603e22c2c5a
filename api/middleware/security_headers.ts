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

/** What a handler may say of its own answer: a page's policy, by hashes or nonces, and whether it may be kept. */
const sayable = new Set(["content-security-policy", "cache-control"]);

/** What every answer carries, refusals and pages among them; HSTS only over TLS, where alone it counts (RFC 6797, 7.2). */
export function securityHeaders({ settings: { hsts } }: { settings: { hsts: Hsts } }) {
  const promise = promises[hsts];
  const said = everywhere.filter(([name]) => sayable.has(name));
  const fixed = everywhere.filter(([name]) => !sayable.has(name));
  return createMiddleware<AppEnv>(async (c, next) => {
    await next();
    const { headers } = c.res;
    for (const [name, value] of said) if (!headers.has(name)) headers.set(name, value);
    // To look for one first costs as much as to set it.
    for (const [name, value] of fixed) headers.set(name, value);
    if (promise !== undefined && c.get("scheme") === "https") {
      headers.set("strict-transport-security", promise);
    }
  });
}
