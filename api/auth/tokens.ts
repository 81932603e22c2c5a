import { errors, type JWTHeaderParameters, jwtVerify, SignJWT } from "jose";
import { z } from "zod";
import type { Clock } from "../../lib/clock.ts";
import { asTenantId, type TenantId } from "../database/tenancy.ts";
import { ApiError } from "../errors.ts";
import type { KeyRing } from "./key_ring.ts";
import { createTokenMemory } from "./token_memory.ts";

/** An access token, verified. */
export interface AccessToken {
  tenantId: TenantId;
  userId: number;
  sessionId: string;
}

/** A refresh token, verified: it names a session and the counter it was made at. */
export interface RefreshToken {
  tenantId: TenantId;
  userId: number;
  sessionId: string;
  counter: number;
}

/** What a log-in that is not complete yet is good for: its second step, or setting a second factor up. */
export type PendingKind = "mfa_session" | "mfa_setup";

/** A token of a log-in that is not complete yet, verified. */
export interface PendingToken {
  tenantId: TenantId;
  userId: number;
  /** Names this token, for what must happen once. */
  id: string;
}

export interface Tokens {
  readonly accessSeconds: number;
  mintAccess(subject: AccessToken & { email: string }): Promise<string>;
  /** The same values give the same token, so that a current one can be made again. Times in ms since the epoch. */
  mintRefresh(token: RefreshToken & { issuedAt: number; expiresAt: number }): Promise<string>;
  /** @throws {ApiError} `invalid_token` */
  verifyAccess(token: string): Promise<AccessToken>;
  /** @throws {ApiError} `invalid_token` */
  verifyRefresh(token: string): Promise<RefreshToken>;
  mintPending(
    kind: PendingKind,
    token: PendingToken & { seconds: number },
  ): Promise<string>;
  /** @throws {ApiError} `invalid_token` */
  verifyPending(kind: PendingKind, token: string): Promise<PendingToken>;
  /** The public keys that tokens can be verified with (RFC 7517). */
  readonly published: KeyRing["published"];
}

interface TokenOptions {
  keys: KeyRing;
  issuer: string;
  accessSeconds: number;
  clock: Clock;
}

const user = {
  sub: z.string().regex(/^[1-9]\d{0,9}$/).transform(Number),
  tenant_id: z.int().positive().transform(asTenantId),
};
const identity = { ...user, sid: z.uuid() };
const accessClaims = z.object({
  ...identity,
  type: z.literal("access"),
  exp: z.number(),
  iat: z.number(),
  nbf: z.number().optional(),
});
const refreshClaims = z.object({
  ...identity,
  type: z.literal("refresh"),
  jti: z.string().regex(/^[0-9a-f-]{36}\.\d{1,10}$/),
});
const pendingClaims = (kind: PendingKind) =>
  z.object({ ...user, type: z.literal(kind), jti: z.uuid() });

/** The compact form (RFC 7515) and nothing around it: the library is lenient about white space and padding. */
const compact = /^[A-Za-z0-9_-]{1,1024}\.[A-Za-z0-9_-]{1,2048}\.[A-Za-z0-9_-]{1,1024}$/;
/** Seconds that the clocks of two API processes may differ. */
const clockTolerance = 60;

const encoder = new TextEncoder();

function encoded(part: Record<string, unknown>): string {
  return encoder.encode(JSON.stringify(part))
    .toBase64({ alphabet: "base64url", omitPadding: true });
}

/** JSON Web Tokens (RFC 7519, RFC 8725): each key for one algorithm, issuer, audience and type checked. */
export function createTokens(options: TokenOptions): Tokens {
  const { keys, issuer, accessSeconds, clock } = options;
  const audience = issuer;
  const seconds = (ms: number) => Math.floor(ms / 1000);

  const { signing } = keys;
  const header = { alg: signing.algorithm, kid: signing.kid, typ: "JWT" };
  const protectedPart = encoded(header);

  /**
   * The library signs in a thread of Web Crypto, and to wake one costs ten times what an HMAC does. So where the key is
   * a shared secret its form (RFC 7515, 7.1) is written here, byte for byte what the library would write.
   */
  async function sign(
    claims: Record<string, unknown>,
    times: { subject: number; id: string; issuedAt: number; expiresAt: number },
  ): Promise<string> {
    const payload = {
      ...claims,
      sub: String(times.subject),
      iss: issuer,
      aud: audience,
      jti: times.id,
      iat: seconds(times.issuedAt),
      exp: seconds(times.expiresAt),
    };
    if (!signing.hmac) {
      return await new SignJWT(payload).setProtectedHeader(header).sign(signing.key);
    }
    const text = `${protectedPart}.${encoded(payload)}`;
    return `${text}.${signing.hmac(text)}`;
  }

  const access = createTokenMemory<AccessToken>();
  const refresh = createTokenMemory<RefreshToken>();
  /** When a token that is signed now may be believed without looking at its signature. */
  const span = (times: { issuedAt: number; expiresAt: number }) => ({
    from: seconds(times.issuedAt) - clockTolerance,
    until: seconds(times.expiresAt),
  });

  async function verify<S extends z.ZodType>(token: string, claims: S): Promise<z.output<S>> {
    if (!compact.test(token)) throw new ApiError("invalid_token");
    try {
      const find = (header: JWTHeaderParameters) => keys.verifying(header);
      const { payload } = await jwtVerify(token, find, {
        algorithms: [...keys.algorithms],
        issuer,
        audience,
        typ: "JWT",
        requiredClaims: ["exp", "iat", "jti"],
        currentDate: new Date(clock.now()),
      });
      const parsed = claims.safeParse(payload);
      const early = Number(payload.iat) > seconds(clock.now()) + clockTolerance;
      if (parsed.success && !early) return parsed.data;
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
    }
    throw new ApiError("invalid_token");
  }

  return {
    accessSeconds,
    async mintAccess({ tenantId, userId, sessionId, email }) {
      const issuedAt = clock.now();
      const times = { issuedAt, expiresAt: issuedAt + accessSeconds * 1000 };
      const token = await sign({ tenant_id: tenantId, email, sid: sessionId, type: "access" }, {
        subject: userId,
        id: crypto.randomUUID(),
        ...times,
      });
      access.add(token, { subject: { tenantId, userId, sessionId }, ...span(times) });
      return token;
    },
    async mintRefresh({ tenantId, userId, sessionId, counter, issuedAt, expiresAt }) {
      const token = await sign({ tenant_id: tenantId, sid: sessionId, type: "refresh" }, {
        subject: userId,
        id: `${sessionId}.${counter}`,
        issuedAt,
        expiresAt,
      });
      const subject = { tenantId, userId, sessionId, counter };
      refresh.add(token, { subject, ...span({ issuedAt, expiresAt }) });
      return token;
    },
    async verifyAccess(token) {
      const known = access.find(token, seconds(clock.now()));
      if (known) return known;
      const { tenant_id, sub, sid, exp, iat, nbf } = await verify(token, accessClaims);
      const subject = { tenantId: tenant_id, userId: sub, sessionId: sid };
      if (nbf === undefined) {
        access.add(token, { subject, from: iat - clockTolerance, until: exp });
      }
      return subject;
    },
    async verifyRefresh(token) {
      const known = refresh.find(token, seconds(clock.now()));
      if (known) {
        refresh.forget(token);
        return known;
      }
      const { tenant_id, sub, sid, jti } = await verify(token, refreshClaims);
      return {
        tenantId: tenant_id,
        userId: sub,
        sessionId: sid,
        counter: Number(jti.slice(jti.indexOf(".") + 1)),
      };
    },
    mintPending(kind, { tenantId, userId, id, seconds: lifetime }) {
      const now = clock.now();
      return sign({ tenant_id: tenantId, type: kind }, {
        subject: userId,
        id,
        issuedAt: now,
        expiresAt: now + lifetime * 1000,
      });
    },
    async verifyPending(kind, token) {
      const { tenant_id, sub, jti } = await verify(token, pendingClaims(kind));
      return { tenantId: tenant_id, userId: sub, id: jti };
    },
    published: keys.published,
  };
}
