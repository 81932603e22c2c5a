import { z } from "zod";
import { type Command, optional, required } from "./command.ts";

const created = z.object({
  user: z.object({ id: z.int(), email: z.string(), name: z.string(), role: z.string() }),
  password: z.string(),
});

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
      text: `user ${user.id} (${user.email}, ${user.role}), password, shown this once: ${password}`,
    };
  },
};
