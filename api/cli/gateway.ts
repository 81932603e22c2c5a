import { type Command, gatewayNumber, optional, required, table, theOne } from "./command.ts";
import { CliError } from "./error.ts";
import { ask, everyItem, given } from "./operator.ts";

export const gatewayList: Command = {
  usage: "",
  summary: "List the gateways, and which of them live",
  options: {},
  async run({ api }) {
    const items = await everyItem((query) =>
      api.GET("/api/v1/wireguard/gateways", { params: { query } })
    );
    const rows = items.map((each) => [
      String(each.id),
      each.name,
      each.state,
      each.network,
      each.endpoint,
      each.addresses ? `${each.addresses.free}/${each.addresses.size}` : "-",
      each.accepts_peers ? "yes" : "no",
      each.last_read_back_at ?? "-",
    ]);
    const headings = [
      "ID",
      "NAME",
      "STATE",
      "NETWORK",
      "ENDPOINT",
      "FREE",
      "TAKES PEERS",
      "READ BACK",
    ];
    return { answer: items, text: items.length === 0 ? "no gateway" : table(headings, rows) };
  },
};

export const gatewayAdd: Command = {
  usage:
    "--name wg1 --network 10.11.0.0/24 --endpoint vpn2.example.com:51820 [--network6 fd00:2::/64]",
  summary: "Reserve a number for one more gateway, and print the settings of its daemon",
  options: {
    name: { type: "string" },
    network: { type: "string" },
    network6: { type: "string" },
    endpoint: { type: "string" },
  },
  async run({ api, values }) {
    const answer = await ask(api.POST("/api/v1/wireguard/gateways", {
      body: {
        name: required(values, "name"),
        network: required(values, "network"),
        endpoint: required(values, "endpoint"),
        listen_port: 51820,
        mtu: 1420,
        ...given({ network6: optional(values, "network6") }),
      },
    }));
    const settings = Object.entries(answer.settings).map(([name, value]) => `${name}=${value}`);
    return {
      answer,
      text: [`gateway ${answer.gateway.id}; its daemon takes`, ...settings].join("\n"),
    };
  },
};

/** The one gateway that a command is about. */
function numberOf(positionals: string[]): number {
  return gatewayNumber(theOne(positionals, "name one gateway by its number"));
}

export const gatewaySet: Command = {
  usage: "ID --accepts-peers yes|no",
  summary: "Let new peers come to a gateway, or no more",
  options: { "accepts-peers": { type: "string" } },
  async run({ api, values, positionals }) {
    const word = required(values, "accepts-peers");
    if (word !== "yes" && word !== "no") throw new CliError("--accepts-peers takes yes or no", 2);
    const answer = await ask(api.PATCH("/api/v1/wireguard/gateways/{id}", {
      params: { path: { id: numberOf(positionals) } },
      body: { accepts_peers: word === "yes" },
    }));
    return {
      answer,
      text: `gateway ${answer.id} takes ${answer.accepts_peers ? "new peers" : "no new peers"}`,
    };
  },
};

export const gatewayRetire: Command = {
  usage: "ID",
  summary: "Take a gateway without peers out of use, for good",
  options: {},
  async run({ api, positionals }) {
    const id = numberOf(positionals);
    const answer = await ask(
      api.DELETE("/api/v1/wireguard/gateways/{id}", { params: { path: { id } } }),
    );
    return { answer, text: `gateway ${id} is retired` };
  },
};

export const wgAnnounceKey: Command = {
  usage: "--key NEW --at 2030-01-31T20:00:00Z [--gateway 1]",
  summary: "Tell the admins of all tenants by mail that a gateway's key will change, and when",
  options: { key: { type: "string" }, at: { type: "string" }, gateway: { type: "string" } },
  async run({ api, values }) {
    const answer = await ask(api.POST("/api/v1/wireguard/gateways/{id}/key-announcement", {
      params: { path: { id: gatewayNumber(optional(values, "gateway") ?? "1") } },
      body: { next_public_key: required(values, "key"), at: required(values, "at") },
    }));
    const { tenants, mails, without_admin } = answer;
    const text = [
      `${mails} mail(s) queued, to the admins of ${tenants} tenant(s) with peers there`,
      ...without_admin.map((id) => `tenant ${id} has no active admin: nobody was told`),
    ];
    return { answer, text: text.join("\n") };
  },
};
