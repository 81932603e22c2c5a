import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import { createOneTimeToken } from "../../auth/one_time_token.ts";
import { readPasswordRules } from "../../auth/password_rules.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { locales, mailAllowance, pageLink, queueMail, tenantAllowance } from "../../mail/mod.ts";
import { limitedAccess, namedTenant } from "../../middleware/access.ts";
import { refuseTunnel } from "../../middleware/tunnel_rules.ts";
import {
  email,
  jsonRequest,
  jsonResponse,
  namesTenant,
  refusals,
  type Router,
} from "../../openapi.ts";
import { findOpenInvitation } from "../users/mod.ts";
import { insertRegistration, readRegistrationFacts } from "./store.ts";

const lifetimeMs = 24 * 60 * 60_000;

export function register(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/register",
    operationId: "register",
    summary: "Ask for an account of one's own",
    description:
      "Where the tenant has it so. There is a user, with the role `user`, once the link in the mail was confirmed. Answered alike whether the address has an account or not; who has one is told so by mail.",
    ...limitedAccess(deps, "login"),
    ...namesTenant,
    request: jsonRequest(z.strictObject({
      email,
      password: z.string().min(1).max(1024),
      name: z.string().regex(/^[^\p{Cc}]{0,200}$/u, "must have no control characters")
        .default(""),
      locale: z.enum(locales).default("en"),
    })),
    responses: {
      202: jsonResponse(z.object({ accepted: z.literal(true) }), "A mail is on its way"),
      ...refusals("registration_closed"),
    },
  });
  router.openapi(route, async (c) => {
    const { email, password, name, locale } = c.req.valid("json");
    const tenantId = await namedTenant(deps, c);
    if (typeof c.get("peer")?.userId === "number") {
      await refuseTunnel(deps, c, { tenantId, reason: "registration through a user's own peer" });
    }
    const known = tenantId === undefined ? undefined : await deps.tenancy.transaction(
      tenantId,
      async (sql) => ({
        ...await readRegistrationFacts(sql, email),
        invited: await findOpenInvitation(sql, { email, now: new Date(deps.clock.now()) }),
        rules: await readPasswordRules(sql),
      }),
    );
    // An unknown tenant is one in which nobody registers.
    if (tenantId === undefined || known === undefined || known.registration === "off") {
      throw new ApiError("registration_closed");
    }
    const floor = deps.failureFloor.start();
    await deps.passwords.check(known.rules, password, {
      path: "password",
      personal: [email, name],
    });
    const passwordHash = await deps.hasher.hash(password, tenantId);
    const { allowed } = await mailAllowance(deps, {
      kind: "registration",
      tenantId,
      to: email,
      by: "other",
    });
    const wanted = allowed &&
      (known.registration === "open" || known.invited !== undefined || known.taken) &&
      (await tenantAllowance(deps, { kind: "registration", tenantId })).allowed;
    const now = deps.clock.now();
    const at = new Date(now);
    const { text: token, digest } = await createOneTimeToken();
    await deps.tenancy.transaction(tenantId, async (sql) => {
      const to = { tenantId, to: email, locale };
      if (!wanted) {
        // Answered like the rest, and not sent.
      } else if (known.taken) {
        await queueMail(deps, sql, { ...to, template: "already_registered", data: {} });
      } else {
        const expiresAt = new Date(now + lifetimeMs);
        await insertRegistration(sql, {
          tenantId,
          digest,
          email,
          name,
          locale,
          passwordHash,
          at,
          expiresAt,
        });
        const link = pageLink(deps, "verify", { tenantId, token });
        await queueMail(deps, sql, { ...to, template: "registration", data: { link } });
      }
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c),
        action: "auth.register",
        outcome: wanted && !known.taken ? "succeeded" : "refused",
        details: { email },
      });
    });
    await floor.wait(0);
    return c.json({ accepted: true as const }, 202);
  });
}
