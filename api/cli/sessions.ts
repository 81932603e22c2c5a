import { type Command, optional } from "./command.ts";
import { CliError } from "./error.ts";
import { ask } from "./operator.ts";

export const sessionsRevoke: Command = {
  usage: "--tenant-id 3 | --all",
  summary: "End every session of a tenant, or of all tenants: for a stolen key or backup",
  options: { "tenant-id": { type: "string" }, all: { type: "boolean" } },
  async run({ api, values }) {
    const id = optional(values, "tenant-id");
    if ((id === undefined) === (values["all"] !== true) || (id && !/^\d{1,9}$/.test(id))) {
      throw new CliError("give either --tenant-id with a number, or --all", 2);
    }
    const answer = await ask(api.POST("/api/v1/sessions/revoke-all", {
      body: { tenant_id: id === undefined ? null : Number(id) },
    }));
    return { answer, text: `${answer.sessions_ended} session(s) ended` };
  },
};
