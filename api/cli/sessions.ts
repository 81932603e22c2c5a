import { type Command, optional, required } from "./command.ts";
import { CliError } from "./error.ts";
import { userId } from "./names.ts";
import { ask, inTenant } from "./operator.ts";

export const sessionsRevoke: Command = {
  usage: "--tenant acme --user 7|bob@acme.example | --tenant-id 3 | --all",
  summary:
    "End every session of a user, of a tenant, or of all tenants: for a lost device, a stolen key or backup",
  options: {
    tenant: { type: "string" },
    user: { type: "string" },
    "tenant-id": { type: "string" },
    all: { type: "boolean" },
  },
  async run({ api, values }) {
    const user = optional(values, "user");
    if (user !== undefined) {
      if (values["all"] === true || values["tenant-id"]) {
        throw new CliError("--user goes with --tenant alone", 2);
      }
      const tenant = required(values, "tenant");
      const id = await userId(api, { tenant, user });
      const answer = await ask(api.DELETE("/api/v1/users/{id}/sessions", {
        params: { ...inTenant(tenant), path: { id } },
      }));
      return { answer, text: `${answer.sessions_ended} session(s) ended` };
    }
    const id = optional(values, "tenant-id");
    if ((id === undefined) === (values["all"] !== true) || (id && !/^\d{1,9}$/.test(id))) {
      throw new CliError("give --user and --tenant, --tenant-id with a number, or --all", 2);
    }
    const answer = await ask(api.POST("/api/v1/sessions/revoke-all", {
      body: { tenant_id: id === undefined ? null : Number(id) },
    }));
    return { answer, text: `${answer.sessions_ended} session(s) ended` };
  },
};
