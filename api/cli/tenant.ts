import { z } from "zod";
import { type Command, required, said, table } from "./command.ts";
import { CliError } from "./error.ts";
import { invitationOptions, invited, inviting } from "./invitation.ts";
import { everyItem } from "./operator.ts";

const created = z.object({
  tenant: z.looseObject({ id: z.int(), slug: z.string() }),
  ...invited.shape,
});

export const tenantCreate: Command = {
  usage: "--slug acme --name 'Acme Ltd' --admin-email ada@acme.example [--out enrol.conf] [--mail]",
  summary:
    "Create a tenant and invite its first admin; link and tunnel file go to the terminal or --out, this once, or to the address with --mail",
  options: {
    slug: { type: "string" },
    name: { type: "string" },
    "admin-email": { type: "string" },
    ...invitationOptions,
  },
  async run({ api, values }) {
    return await inviting(values, async (delivery) => {
      const answer = await api.call(created, {
        method: "POST",
        path: "/tenants",
        body: {
          slug: required(values, "slug"),
          name: required(values, "name"),
          admin_email: required(values, "admin-email"),
          ...delivery,
        },
      });
      return { answer, head: `tenant ${answer.tenant.id} (${answer.tenant.slug})` };
    });
  },
};

const listed = z.looseObject({
  id: z.int(),
  slug: z.string(),
  name: z.string(),
  status: z.string(),
});

export const tenantList: Command = {
  usage: "",
  summary: "List all tenants",
  options: {},
  async run({ api }) {
    const items = await everyItem(api, listed, { path: "/tenants" });
    const rows = items.map(({ id, slug, name, status }) => [String(id), slug, status, name]);
    return { answer: items, text: table(["ID", "SLUG", "STATUS", "NAME"], rows) };
  },
};

const suspension = z.looseObject({ removed: z.boolean() });

export const tenantSuspend: Command = {
  usage: "--tenant acme",
  summary: "Take a tenant's peers off the interface, and refuse its users",
  options: { tenant: { type: "string" } },
  async run({ api, values }) {
    const tenant = required(values, "tenant");
    const { id } = await api.call(current, { path: "/tenants/current", tenant });
    const answer = await api.call(suspension, {
      method: "POST",
      path: `/tenants/${id}/suspend`,
    });
    return { answer, failed: !answer.removed, text: said(tenant, "suspended", answer) };
  },
};

export const tenantResume: Command = {
  usage: "--tenant acme",
  summary: "Let a suspended tenant go on",
  options: { tenant: { type: "string" } },
  async run({ api, values }) {
    const tenant = required(values, "tenant");
    const { id } = await api.call(current, { path: "/tenants/current", tenant });
    const answer = await api.call(listed, { method: "POST", path: `/tenants/${id}/resume` });
    return { answer, text: `${tenant} is ${answer.status}` };
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
