import { Hono } from "hono";
import { jwtVerify } from "jose";
import { connect } from "../../../db/connection.ts";
import { Secret } from "../../../lib/secret.ts";

/**
 * What `GET /auth/me` is measured against: Hono, jose and one plain query, and nothing else. Its standard input is
 * `{port, secret, database, pool}` as JSON.
 */
const { port, secret, database, pool } = JSON.parse(
  await new Response(Deno.stdin.readable).text(),
);
const sql = connect(new Secret(database), { max: pool, applicationName: "bench-reference" });
const key = new TextEncoder().encode(secret);
const app = new Hono();
app.get("/api/v1/auth/me", async (c) => {
  const token = c.req.header("authorization")?.slice("Bearer ".length) ?? "";
  const { payload } = await jwtVerify(token, key, { algorithms: ["HS256"] });
  const [user] = await sql`
    select id, email, name, status, created_at from users
    where tenant_id = ${Number(payload.tenant_id)} and id = ${Number(payload.sub)}`;
  return user ? c.json(user) : c.json({}, 401);
});
Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, app.fetch);
