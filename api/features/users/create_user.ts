import { createRoute, z } from "@hono/zod-openapi";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import { generatePassword } from "../../auth/generate_password.ts";
import type { TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { ApiError, invalidField } from "../../errors.ts";
import { createOnce, earlierOf, idempotencyHeader, idempotencyKey } from "../../idempotency.ts";
import { access, tenantOf } from "../../middleware/access.ts";
import { email, jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import {
  findRole,
  insertUserRole,
  refuseGrantBeyondOwn,
  refuseOverMightier,
  type RoleRow,
} from "../roles/mod.ts";
import { holdCaller } from "../sessions/mod.ts";
import { dropInvitationOf } from "./drop_invitation.ts";
import { locale, phone, roleName, userName, userSchema } from "./schemas.ts";
import { insertUser, isUser, readUser, replaceUnusedPassword, stampOf } from "./store.ts";

const createBody = z.strictObject({
  email,
  name: userName.default(""),
  locale: locale.default("en"),
  phone: phone.default(null),
  role: roleName.default("user"),
});

export function createUser(router: Router, deps: Deps): void {
  const route = createRoute({
    method: "post",
    path: "/",
    operationId: "createUser",
    summary: "Create a user with a random password",
    description: "An invitation of the same address is withdrawn.",
    ...access(deps, "users.write"),
    request: { headers: idempotencyHeader, ...jsonRequest(createBody) },
    responses: {
      201: jsonResponse(
        z.object({
          user: userSchema,
          password: z.string().nullable().openapi({
            description:
              "Null where the request was repeated, and the user changed or logged in in between",
          }),
        }),
        "The user, and the password, shown this once",
      ),
      ...refusals("grant_exceeds_own", "email_taken"),
    },
  });
  router.openapi(route, async (c) => {
    const body = c.req.valid("json");
    const tenantId = tenantOf(c);
    const principal = c.get("principal");
    const source = auditSource(c);
    const password = generatePassword();
    const now = new Date(deps.clock.now());
    const key = await idempotencyKey(c);
    const record = (sql: TenantSql, id: number, details: Record<string, string | boolean>) =>
      writeAudit(sql, {
        tenantId,
        source,
        action: "user.create",
        outcome: "succeeded",
        target: { type: "user", id: String(id) },
        details,
      });
    const roleToGive = async (sql: TenantSql): Promise<RoleRow> => {
      const role = await findRole(sql, body.role);
      if (!role) throw invalidField("role", "unknown", "there is no such role");
      await refuseGrantBeyondOwn(sql, principal, { wanted: role.permissions, until: null });
      return role;
    };
    const make = async (sql: TenantSql, role: RoleRow, passwordHash: string) => {
      await dropInvitationOf(sql, principal, { email: body.email, at: now });
      const id = await insertUser(sql, { tenantId, passwordHash, ...body });
      await insertUserRole(sql, { tenantId, userId: id, roleId: role.id, by: source.userId });
      await record(sql, id, { email: body.email, role: body.role });
      return { id, shown: true, stamp: await stampOf(sql, id) };
    };
    const repeat = async (sql: TenantSql, earlier: string, passwordHash: string) => {
      const [text, stamp = ""] = earlier.split(" ");
      const id = Number(text);
      // Somebody may have given him more meanwhile than the caller may have a password of.
      await refuseOverMightier(sql, principal, { userId: id, now });
      const shown = await replaceUnusedPassword(sql, { id, stamp, passwordHash });
      if (shown) await record(sql, id, { email: body.email, role: body.role, repeated: true });
      return { id, shown, stamp: shown ? await stampOf(sql, id) : stamp };
    };
    // What is refused anyway costs no hash.
    await deps.tenancy.transaction(tenantId, async (sql) => {
      await roleToGive(sql);
      const isRepeated = async () => key && await earlierOf(sql, key, now.getTime()) !== null;
      // Once more where the address is taken: it may be by the same request, which committed in between.
      if (!await isRepeated() && await isUser(sql, body.email) && !await isRepeated()) {
        throw new ApiError("email_taken");
      }
    });
    const passwordHash = await deps.hasher.hash(password.reveal(), tenantId);
    const { user, shown } = await deps.tenancy.transaction(tenantId, async (sql) => {
      const role = await roleToGive(sql);
      const made = await createOnce(sql, key, {
        tenantId,
        now: now.getTime(),
        make: () => make(sql, role, passwordHash),
        repeat: (earlier) => repeat(sql, earlier, passwordHash),
        of: ({ id, stamp }) => `${id} ${stamp}`,
      });
      await holdCaller(sql, principal);
      return { user: await readUser(sql, made.id, now), shown: made.shown };
    });
    if (!user) throw new ApiError("not_found");
    c.header("Location", `/api/v1/users/${user.id}`);
    return c.json({ user, password: shown ? password.reveal() : null }, 201);
  });
}
