import { createMiddleware } from "hono/factory";
import { secureHeaders } from "hono/secure-headers";
import type { AppEnv } from "../context.ts";

/** Nothing that the API answers loads, frames, sends or is anything for a browser. */
const nothing = ["'none'"];

const everywhere = secureHeaders({
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
  // A page sets the policy that it needs, by hashes or nonces, in its own handler.
  overwrite: false,
});

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
  return createMiddleware<AppEnv>(async (c, next) => {
    await everywhere(c, next);
    if (!c.res.headers.has("Cache-Control")) c.header("Cache-Control", "no-store");
    if (promise && c.get("scheme") === "https") c.header("Strict-Transport-Security", promise);
  });
}
