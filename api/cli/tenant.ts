import { z } from "zod";
import { type Command, required } from "./command.ts";
import { CliError } from "./error.ts";

const created = z.object({
  tenant: z.looseObject({ id: z.int(), slug: z.string(), name: z.string() }),
  admin: z.object({ id: z.int(), email: z.string(), password: z.string() }),
});

export const tenantCreate: Command = {
  usage: "--slug acme --name 'Acme Ltd' --admin-email ada@acme.example",
  summary: "Create a tenant and its first admin; prints the admin's password, this once",
  options: {
    slug: { type: "string" },
    name: { type: "string" },
    "admin-email": { type: "string" },
  },
  async run({ api, values }) {
    const answer = await api.call(created, {
      method: "POST",
      path: "/tenants",
      body: {
        slug: required(values, "slug"),
        name: required(values, "name"),
        admin_email: required(values, "admin-email"),
      },
    });
    const { tenant, admin } = answer;
    return {
      answer,
      text: `tenant ${tenant.id} (${tenant.slug})\n` +
        `admin ${admin.id} (${admin.email}), password, shown this once: ${admin.password}`,
    };
  },
};

const current = z.looseObject({ id: z.int() });
const limited = z.looseObject({ slug: z.string(), peer_quota: z.int().nullable() });

export const tenantQuota: Command = {
  usage: "--tenant acme --peers 200|default",
  summary: "Set how many addresses a tenant may hold, those of removed peers that rest included",
  options: { tenant: { type: "string" }, peers: { type: "string" } },
  async run({ api, values }) {
    const peers = required(values, "peers");
    if (!/^(default|\d{1,7})$/.test(peers)) {
      throw new CliError("--peers takes a number, or default", 2);
    }
    const tenant = required(values, "tenant");
    const { id } = await api.call(current, { path: "/tenants/current", tenant });
    const answer = await api.call(limited, {
      method: "PATCH",
      path: `/tenants/${id}`,
      body: { peer_quota: peers === "default" ? null : Number(peers) },
    });
    const quota = answer.peer_quota ?? "the share of the pool that WG_TENANT_SHARE gives";
    return { answer, text: `${answer.slug} may hold ${quota}` };
  },
};
