import { type Command, optional, required, table, theOne } from "./command.ts";
import { CliError } from "./error.ts";
import { ask, everyItem, given, inTenant } from "./operator.ts";

const protocols = ["tcp", "udp", "icmp", "any"] as const;

function protocolOf(text: string) {
  const protocol = protocols.find((each) => each === text);
  if (!protocol) throw new CliError(`--protocol takes ${protocols.join(", ")}`, 2);
  return protocol;
}

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
    const params = inTenant(required(values, "tenant"));
    const answer = await ask(api.POST("/api/v1/wireguard/grants", {
      params,
      body: {
        name: required(values, "name"),
        network: required(values, "network"),
        protocol: protocolOf(required(values, "protocol")),
        ...given({ ports: optional(values, "ports") }),
      },
    }));
    return { answer, text: `grant ${answer.id} (${answer.name})` };
  },
};

export const grantList: Command = {
  usage: "--tenant acme",
  summary: "List what a tenant may open for its peers",
  options: { tenant: { type: "string" } },
  async run({ api, values }) {
    const tenant = inTenant(required(values, "tenant"));
    const items = await everyItem((query) =>
      api.GET("/api/v1/wireguard/grants", { params: { ...tenant, query } })
    );
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

export const grantRevoke: Command = {
  usage: "--tenant acme ID",
  summary: "Withdraw a grant, and close at once what a tenant opened of it",
  options: { tenant: { type: "string" } },
  async run({ api, values, positionals }) {
    const id = theOne(positionals, "name one grant by its id");
    const tenant = inTenant(required(values, "tenant"));
    const answer = await ask(
      api.DELETE("/api/v1/wireguard/grants/{id}", { params: { ...tenant, path: { id } } }),
    );
    return {
      answer,
      text: answer.removed
        ? `${id} is withdrawn, and what rested on it is closed`
        : `${id} is withdrawn: the daemon has not confirmed yet that what rested on it is closed`,
    };
  },
};
