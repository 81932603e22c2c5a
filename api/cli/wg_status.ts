import { type Command, gatewayNumber } from "./command.ts";
import { CliError } from "./error.ts";
import { ask } from "./operator.ts";

export const wgStatus: Command = {
  usage: "[GATEWAY]",
  summary:
    "The interface, the daemon, and all peers in numbers; of the gateway beside the API, or of another",
  options: {},
  async run({ api, positionals }) {
    const [gateway, ...more] = positionals;
    if (more.length > 0) throw new CliError("name one gateway by its number", 2);
    const query = gateway === undefined ? {} : { gateway_id: gatewayNumber(gateway) };
    const answer = await ask(api.GET("/api/v1/wireguard/status", { params: { query } }));
    const link = answer.interface;
    const counts = Object.entries(answer.interface_counts ?? {}).map(([name, n]) => `${name} ${n}`);
    const nothing = answer.database === "ok"
      ? "never published: no daemon was started yet"
      : "unknown";
    const lines = [
      `daemon     ${answer.daemon}`,
      ...(answer.database === "ok" ? [] : ["database   does not answer the API"]),
      link
        ? `interface  ${link.up === null ? "unknown" : link.up ? "up" : "down"}` +
          `${link.backend ? ` (${link.backend})` : ""}, ${link.network}` +
          `${link.endpoint ? `, ${link.endpoint}` : ""}`
        : `interface  ${nothing}`,
      ...(link?.public_key ? [`key        ${link.public_key}`] : []),
      ...(counts.length > 0 ? [`peers      ${counts.join(", ")}`] : []),
      `read back  ${answer.last_read_back_at ?? "never"}`,
      ...(answer.last_error ? [`error      ${answer.last_error}`] : []),
    ];
    return { answer, text: lines.join("\n") };
  },
};
