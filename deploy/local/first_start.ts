import { join } from "node:path";
import { z } from "zod";
import { absent } from "../../lib/absent.ts";
import type { DataFolder } from "./data_folder.ts";
import { writeSecretFile } from "./secrets.ts";
import { socketFetch } from "./socket_http.ts";

/** What the first start made; the password is known to nobody else. */
export interface FirstStart {
  tenant: { id: number; slug: string };
  admin: { email: string; password: string };
  /** The admin's tunnel file, its text and where it was written; or why there is none. */
  peer: { config: string; file: string } | { error: string };
  /** To be called once the password was shown: until then a later start says that it may be lost. */
  shown(): Promise<void>;
}

/** A first start ended before it showed the password of the admin that it had made. */
export interface CutOff {
  /** The note of that, to be removed when there is another admin. */
  note: string;
}

const tenantList = z.object({ items: z.array(z.unknown()) });
const tenantCreated = z.object({
  tenant: z.object({ id: z.int() }),
  admin: z.object({ id: z.int(), email: z.string(), password: z.string() }),
});
const peerCreated = z.object({ config: z.string() });

/** The running API refused what a first start asks of it. */
export class FirstStartError extends Error {
  override name = "FirstStartError";
}

/**
 * Where there is no tenant yet: makes the platform tenant with its admin and the admin's first peer, over
 * the operator's socket, as an operator would.
 *
 * @returns where there are tenants already and nothing was changed, undefined, or that the start which made them
 * was cut off
 */
export async function firstStart(
  socket: string,
  options: { folder: Pick<DataFolder, "admin">; adminEmail: string },
): Promise<FirstStart | CutOff | undefined> {
  const note = join(options.folder.admin, "password-not-shown");
  const tenants = await ask(socket, "/api/v1/tenants?limit=1", 200, tenantList);
  if (tenants.items.length > 0) return await exists(note) ? { note } : undefined;
  // Before the password is made: whatever ends this process from here on, somebody learns of it.
  await writeSecretFile(note, options.adminEmail);
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
    shown: () => Deno.remove(note),
  };
}

async function exists(path: string): Promise<boolean> {
  return (await Deno.stat(path).catch(absent))?.isFile ?? false;
}

async function firstPeer(
  socket: string,
  { folder, tenantId, userId }: {
    folder: Pick<DataFolder, "admin">;
    tenantId: number;
    userId: number;
  },
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
