import { z } from "zod";
import { type Command, required, table } from "./command.ts";
import { CliError } from "./error.ts";
import { ask, everyItem, inTenant } from "./operator.ts";

/** A key acts in its maker's name, so the operator makes none: he sees and revokes them. */
export const keyList: Command = {
  usage: "--tenant acme",
  summary: "List a tenant's API keys, without their secrets",
  options: { tenant: { type: "string" } },
  async run({ api, values }) {
    const tenant = inTenant(required(values, "tenant"));
    const items = await everyItem((query) =>
      api.GET("/api/v1/api-keys", { params: { ...tenant, query } })
    );
    const rows = items.map((item) => [
      item.id,
      `mc_${item.prefix}_`,
      item.name,
      String(item.user_id),
      item.scopes.join(", "),
      item.revoked_at ? "revoked" : item.expires_at ?? "never",
      item.last_used_at ?? "never",
    ]);
    const headings = ["ID", "KEY", "NAME", "USER", "SCOPES", "ENDS", "LAST USED"];
    return { answer: items, text: table(headings, rows) };
  },
};

export const keyRevoke: Command = {
  usage: "--tenant acme --key 01890a5d-ac96-774b-bcce-b302099a8057",
  summary: "Revoke an API key: it opens nothing from this moment on",
  options: { tenant: { type: "string" }, key: { type: "string" } },
  async run({ api, values }) {
    const id = required(values, "key");
    if (!z.uuid().safeParse(id).success) {
      throw new CliError("--key takes the ID that key:list shows", 2);
    }
    const tenant = inTenant(required(values, "tenant"));
    const answer = await ask(
      api.DELETE("/api/v1/api-keys/{id}", { params: { ...tenant, path: { id } } }),
    );
    return { answer, text: `mc_${answer.prefix}_ (${answer.name}) is revoked` };
  },
};
