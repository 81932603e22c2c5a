import { z } from "zod";
import { type Command, optional, required, said, table } from "./command.ts";
import { CliError } from "./error.ts";
import { invitationOptions, invited, inviting } from "./invitation.ts";
import { everyItem } from "./operator.ts";

const user = z.looseObject({
  id: z.int(),
  email: z.string(),
  name: z.string(),
  status: z.string(),
  roles: z.array(z.string()),
  last_login_at: z.string().nullable(),
});
const created = z.object({ user, password: z.string() });

export const userCreate: Command = {
  usage: "--tenant acme --email bob@acme.example [--name Bob] [--role user|manager|admin|NAME]",
  summary: "Create a user; prints the password, this once",
  options: {
    tenant: { type: "string" },
    email: { type: "string" },
    name: { type: "string" },
    role: { type: "string" },
  },
  async run({ api, values }) {
    const answer = await api.call(created, {
      method: "POST",
      path: "/users",
      tenant: required(values, "tenant"),
      body: {
        email: required(values, "email"),
        name: optional(values, "name"),
        role: optional(values, "role"),
      },
    });
    const { user, password } = answer;
    return {
      answer,
      text:
        `user ${user.id} (${user.email}, ${user.roles.join()}), password, shown this once: ${password}`,
    };
  },
};

export const userList: Command = {
  usage: "--tenant acme",
  summary: "List a tenant's users",
  options: { tenant: { type: "string" } },
  async run({ api, values }) {
    const items = await everyItem(api, user, {
      path: "/users",
      tenant: required(values, "tenant"),
    });
    const rows = items.map(({ id, email, status, roles, last_login_at }) => [
      String(id),
      email,
      status,
      roles.join(", ") || "-",
      last_login_at ?? "never",
    ]);
    return { answer: items, text: table(["ID", "E-MAIL", "STATUS", "ROLES", "LAST LOG-IN"], rows) };
  },
};

const deactivated = z.looseObject({ removed: z.boolean(), sessions_ended: z.int() });

export const userDeactivate: Command = {
  usage: "--tenant acme --user 7",
  summary: "End a user's sessions and tunnels, and let him in no more",
  options: { tenant: { type: "string" }, user: { type: "string" } },
  async run({ api, values }) {
    const id = required(values, "user");
    if (!/^\d{1,9}$/.test(id)) throw new CliError("--user takes the number of a user", 2);
    const answer = await api.call(deactivated, {
      method: "POST",
      path: `/users/${id}/deactivate`,
      tenant: required(values, "tenant"),
    });
    const text = `${
      said(`user ${id}`, "inactive", answer)
    }; ${answer.sessions_ended} session(s) ended`;
    return { answer, failed: !answer.removed, text };
  },
};

export const userInvite: Command = {
  usage:
    "--tenant acme --email bob@acme.example [--name Bob] [--role user|manager|admin|NAME] [--locale en|fr] [--out enrol.conf] [--mail]",
  summary:
    "Invite somebody; link and tunnel file go to the terminal or --out, this once, or to the address with --mail",
  options: {
    tenant: { type: "string" },
    email: { type: "string" },
    name: { type: "string" },
    role: { type: "string" },
    locale: { type: "string" },
    ...invitationOptions,
  },
  async run({ api, values }) {
    return await inviting(values, async (delivery) => {
      const answer = await api.call(invited, {
        method: "POST",
        path: "/users/invitations",
        tenant: required(values, "tenant"),
        body: {
          email: required(values, "email"),
          name: optional(values, "name"),
          role: optional(values, "role"),
          locale: optional(values, "locale"),
          ...delivery,
        },
      });
      return { answer, head: `tenant ${required(values, "tenant")}` };
    });
  },
};
