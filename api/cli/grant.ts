import { z } from "zod";
import { type Command, optional, required, table } from "./command.ts";
import { CliError } from "./error.ts";
import { everyItem } from "./operator.ts";

const grant = z.object({
  id: z.string(),
  name: z.string(),
  network: z.string(),
  protocol: z.string(),
  ports: z.string().nullable(),
  created_at: z.string(),
});

export const grantAdd: Command = {
  usage: "--tenant acme --name office --network 192.168.20.0/24 --protocol tcp [--ports 443]",
  summary: "Let a tenant open a destination for its peers; opens nothing by itself",
  options: {
    tenant: { type: "string" },
    name: { type: "string" },
    network: { type: "string" },
    protocol: { type: "string" },
    ports: { type: "string" },
  },
  async run({ api, values }) {
    const ports = optional(values, "ports");
    const answer = await api.call(grant, {
      method: "POST",
      path: "/wireguard/grants",
      tenant: required(values, "tenant"),
      body: {
        name: required(values, "name"),
        network: required(values, "network"),
        protocol: required(values, "protocol"),
        ...(ports === undefined ? {} : { ports }),
      },
    });
    return { answer, text: `grant ${answer.id} (${answer.name})` };
  },
};

export const grantList: Command = {
  usage: "--tenant acme",
  summary: "List what a tenant may open for its peers",
  options: { tenant: { type: "string" } },
  async run({ api, values }) {
    const tenant = required(values, "tenant");
    const items = await everyItem(api, grant, { path: "/wireguard/grants", tenant });
    const rows = items.map(({ id, name, network, protocol, ports }) => [
      id,
      name,
      network,
      protocol,
      ports ?? "every",
    ]);
    const headings = ["ID", "NAME", "NETWORK", "PROTOCOL", "PORTS"];
    return { answer: items, text: items.length === 0 ? "no grant" : table(headings, rows) };
  },
};

const removal = z.object({ removed: z.boolean() });

export const grantRevoke: Command = {
  usage: "--tenant acme ID",
  summary: "Withdraw a grant, and close at once what a tenant opened of it",
  options: { tenant: { type: "string" } },
  async run({ api, values, positionals }) {
    const [id, ...rest] = positionals;
    if (!id || rest.length > 0) throw new CliError("name one grant by its id", 2);
    const answer = await api.call(removal, {
      method: "DELETE",
      path: `/wireguard/grants/${encodeURIComponent(id)}`,
      tenant: required(values, "tenant"),
    });
    return {
      answer,
      text: answer.removed
        ? `${id} is withdrawn, and what rested on it is closed`
        : `${id} is withdrawn: the daemon has not confirmed yet that what rested on it is closed`,
    };
  },
};
