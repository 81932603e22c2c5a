import { errors, jwtVerify, SignJWT } from "jose";
import { z } from "zod";
import type { Clock } from "../../lib/clock.ts";
import type { Secret } from "../../lib/secret.ts";
import { asTenantId, type TenantId } from "../database/tenancy.ts";
import { ApiError } from "../errors.ts";

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

export interface Tokens {
  readonly accessSeconds: number;
  mintAccess(subject: AccessToken & { email: string }): Promise<string>;
  /** The same values give the same token, so that a current one can be made again. Times in ms since the epoch. */
  mintRefresh(token: RefreshToken & { issuedAt: number; expiresAt: number }): Promise<string>;
  /** @throws {ApiError} `invalid_token` */
  verifyAccess(token: string): Promise<AccessToken>;
  /** @throws {ApiError} `invalid_token` */
  verifyRefresh(token: string): Promise<RefreshToken>;
}

interface TokenOptions {
  secret: Secret<string>;
  algorithm: "HS256";
  issuer: string;
  accessSeconds: number;
  clock: Clock;
}

const identity = {
  sub: z.string().regex(/^[1-9]\d{0,9}$/).transform(Number),
  tenant_id: z.int().positive().transform(asTenantId),
  sid: z.uuid(),
};
const accessClaims = z.object({ ...identity, type: z.literal("access") });
const refreshClaims = z.object({
  ...identity,
  type: z.literal("refresh"),
  jti: z.string().regex(/^[0-9a-f-]{36}\.\d{1,10}$/),
});

/** JSON Web Tokens (RFC 7519, RFC 8725): one pinned algorithm, issuer, audience and type checked. */
export function createTokens(options: TokenOptions): Tokens {
  const { algorithm, issuer, accessSeconds, clock } = options;
  const key = new TextEncoder().encode(options.secret.reveal());
  const audience = issuer;
  const seconds = (ms: number) => Math.floor(ms / 1000);

  const sign = (
    claims: Record<string, unknown>,
    times: { subject: number; id: string; issuedAt: number; expiresAt: number },
  ) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: algorithm, typ: "JWT" })
      .setSubject(String(times.subject))
      .setIssuer(issuer)
      .setAudience(audience)
      .setJti(times.id)
      .setIssuedAt(seconds(times.issuedAt))
      .setExpirationTime(seconds(times.expiresAt))
      .sign(key);

  async function verify<S extends z.ZodType>(token: string, claims: S): Promise<z.output<S>> {
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: [algorithm],
        issuer,
        audience,
        typ: "JWT",
        requiredClaims: ["exp", "iat", "jti"],
        currentDate: new Date(clock.now()),
      });
      const parsed = claims.safeParse(payload);
      if (parsed.success) return parsed.data;
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
    }
    throw new ApiError("invalid_token");
  }

  return {
    accessSeconds,
    mintAccess({ tenantId, userId, sessionId, email }) {
      const now = clock.now();
      return sign({ tenant_id: tenantId, email, sid: sessionId, type: "access" }, {
        subject: userId,
        id: crypto.randomUUID(),
        issuedAt: now,
        expiresAt: now + accessSeconds * 1000,
      });
    },
    mintRefresh: ({ tenantId, userId, sessionId, counter, issuedAt, expiresAt }) =>
      sign({ tenant_id: tenantId, sid: sessionId, type: "refresh" }, {
        subject: userId,
        id: `${sessionId}.${counter}`,
        issuedAt,
        expiresAt,
      }),
    async verifyAccess(token) {
      const { tenant_id, sub, sid } = await verify(token, accessClaims);
      return { tenantId: tenant_id, userId: sub, sessionId: sid };
    },
    async verifyRefresh(token) {
      const { tenant_id, sub, sid, jti } = await verify(token, refreshClaims);
      return {
        tenantId: tenant_id,
        userId: sub,
        sessionId: sid,
        counter: Number(jti.slice(jti.indexOf(".") + 1)),
      };
    },
  };
}
