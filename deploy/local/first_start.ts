import { join } from "node:path";
import { z } from "zod";
import type { DataFolder } from "./data_folder.ts";
import { writeSecretFile } from "./secrets.ts";
import { socketFetch } from "./socket_http.ts";

/** What the first start made; the password is known to nobody else. */
export interface FirstStart {
  tenant: { id: number; slug: string };
  admin: { email: string; password: string };
  /** The admin's tunnel file, its text and where it was written; or why there is none. */
  peer: { config: string; file: string } | { error: string };
}

const tenantList = z.object({ items: z.array(z.unknown()) });
const tenantCreated = z.object({
  tenant: z.object({ id: z.int() }),
  admin: z.object({ id: z.int(), email: z.string(), password: z.string() }),
});
const peerCreated = z.object({ config: z.string() });

export class FirstStartError extends Error {
  override name = "FirstStartError";
}

/**
 * Where there is no tenant yet: makes the platform tenant with its admin and the admin's first peer, over
 * the operator's socket, as an operator would.
 *
 * @returns undefined when there are tenants already, and nothing was changed
 */
export async function firstStart(
  socket: string,
  options: { folder: DataFolder; adminEmail: string },
): Promise<FirstStart | undefined> {
  const tenants = await ask(socket, "/api/v1/tenants?limit=1", 200, tenantList);
  if (tenants.items.length > 0) return undefined;
  const { tenant, admin } = await ask(socket, "/api/v1/tenants", 201, tenantCreated, {
    json: {
      slug: "platform",
      name: "Platform",
      admin_email: options.adminEmail,
      is_platform: true,
    },
  });
  return {
    tenant: { id: tenant.id, slug: "platform" },
    admin: { email: admin.email, password: admin.password },
    // Without a peer the password still has to be shown: nothing will ever show it again.
    peer: await firstPeer(socket, { folder: options.folder, tenantId: tenant.id, userId: admin.id })
      .catch((error) => ({ error: error instanceof Error ? error.message : String(error) })),
  };
}

async function firstPeer(
  socket: string,
  { folder, tenantId, userId }: { folder: DataFolder; tenantId: number; userId: number },
): Promise<{ config: string; file: string }> {
  const { config } = await ask(socket, "/api/v1/wireguard/peers", 201, peerCreated, {
    headers: { "x-tenant-id": String(tenantId) },
    json: { name: "admin", user_id: userId },
  });
  const file = join(folder.admin, "admin.conf");
  await writeSecretFile(file, config.trimEnd());
  return { config, file };
}

/** One call that has to succeed. @throws {FirstStartError} with the problem's own words */
async function ask<T>(
  socket: string,
  path: string,
  status: number,
  shape: z.ZodType<T>,
  post?: { headers?: Record<string, string>; json: unknown },
): Promise<T> {
  const answer = await socketFetch(socket, path, { ...(post ? { method: "POST", ...post } : {}) });
  if (answer.status !== status) {
    throw new FirstStartError(
      `${post ? "POST" : "GET"} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`,
    );
  }
  return shape.parse(answer.body);
}
