import { type Command, optional, required, said, table } from "./command.ts";
import { CliError } from "./error.ts";
import { invitationOptions, inviting } from "./invitation.ts";
import { userId } from "./names.ts";
import { ask, everyItem, given, inTenant } from "./operator.ts";

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
    const answer = await ask(api.POST("/api/v1/users", {
      params: inTenant(required(values, "tenant")),
      body: {
        email: required(values, "email"),
        ...given({ name: optional(values, "name"), role: optional(values, "role") }),
      },
    }));
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
    const tenant = inTenant(required(values, "tenant"));
    const items = await everyItem((query) =>
      api.GET("/api/v1/users", { params: { ...tenant, query } })
    );
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

export const userDeactivate: Command = {
  usage: "--tenant acme --user 7|bob@acme.example",
  summary: "End a user's sessions and tunnels, and let him in no more",
  options: { tenant: { type: "string" }, user: { type: "string" } },
  async run({ api, values }) {
    const [tenant, user] = [required(values, "tenant"), required(values, "user")];
    const id = await userId(api, { tenant, user });
    const answer = await ask(api.POST("/api/v1/users/{id}/deactivate", {
      params: { ...inTenant(tenant), path: { id } },
    }));
    const text = `${
      said(`user ${user}`, "inactive", answer)
    }; ${answer.sessions_ended} session(s) ended`;
    return { answer, failed: !answer.removed, text };
  },
};

export const userUnlock: Command = {
  usage: "--tenant acme --user 7|bob@acme.example",
  summary: "Lift the locks that failed log-ins and codes put on a user",
  options: { tenant: { type: "string" }, user: { type: "string" } },
  async run({ api, values }) {
    const [tenant, user] = [required(values, "tenant"), required(values, "user")];
    const id = await userId(api, { tenant, user });
    const answer = await ask(api.POST("/api/v1/users/{id}/unlock", {
      params: { ...inTenant(tenant), path: { id } },
    }));
    return { answer, text: `the locks of user ${user} are lifted` };
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
      const answer = await ask(api.POST("/api/v1/users/invitations", {
        params: inTenant(required(values, "tenant")),
        body: {
          email: required(values, "email"),
          ...given({
            name: optional(values, "name"),
            role: optional(values, "role"),
            locale: localeOf(optional(values, "locale")),
          }),
          ...delivery,
        },
      }));
      return { answer, head: `tenant ${required(values, "tenant")}` };
    });
  },
};

function localeOf(text: string | undefined) {
  if (text === undefined || text === "en" || text === "fr") return text;
  throw new CliError("--locale takes en or fr", 2);
}
