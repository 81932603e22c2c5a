import { type Command, required, said, table } from "./command.ts";
import { CliError } from "./error.ts";
import { invitationOptions, inviting } from "./invitation.ts";
import { ask, everyItem, inTenant, type OperatorApi } from "./operator.ts";

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
      const answer = await ask(api.POST("/api/v1/tenants", {
        body: {
          slug: required(values, "slug"),
          name: required(values, "name"),
          admin_email: required(values, "admin-email"),
          ...delivery,
        },
      }));
      return { answer, head: `tenant ${answer.tenant.id} (${answer.tenant.slug})` };
    });
  },
};

export const tenantList: Command = {
  usage: "",
  summary: "List all tenants",
  options: {},
  async run({ api }) {
    const items = await everyItem((query) => api.GET("/api/v1/tenants", { params: { query } }));
    const rows = items.map(({ id, slug, name, status }) => [String(id), slug, status, name]);
    return { answer: items, text: table(["ID", "SLUG", "STATUS", "NAME"], rows) };
  },
};

async function idOf(api: OperatorApi, tenant: string): Promise<number> {
  return (await ask(api.GET("/api/v1/tenants/current", { params: inTenant(tenant) }))).id;
}

export const tenantSuspend: Command = {
  usage: "--tenant acme",
  summary: "Take a tenant's peers off the interface, and refuse its users",
  options: { tenant: { type: "string" } },
  async run({ api, values }) {
    const tenant = required(values, "tenant");
    const path = { id: await idOf(api, tenant) };
    const answer = await ask(api.POST("/api/v1/tenants/{id}/suspend", { params: { path } }));
    return { answer, failed: !answer.removed, text: said(tenant, "suspended", answer) };
  },
};

export const tenantResume: Command = {
  usage: "--tenant acme",
  summary: "Let a suspended tenant go on",
  options: { tenant: { type: "string" } },
  async run({ api, values }) {
    const tenant = required(values, "tenant");
    const path = { id: await idOf(api, tenant) };
    const answer = await ask(api.POST("/api/v1/tenants/{id}/resume", { params: { path } }));
    return { answer, text: `${tenant} is ${answer.status}` };
  },
};

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
    const path = { id: await idOf(api, tenant) };
    const answer = await ask(api.PATCH("/api/v1/tenants/{id}", {
      params: { path },
      body: { peer_quota: peers === "default" ? null : Number(peers) },
    }));
    const quota = answer.peer_quota ?? "the share of the pool that WG_TENANT_SHARE gives";
    return { answer, text: `${answer.slug} may hold ${quota}` };
  },
};
