import { z } from "zod";
import { type Command, required } from "./command.ts";

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
