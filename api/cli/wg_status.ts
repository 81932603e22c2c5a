import type { Command } from "./command.ts";
import { ask } from "./operator.ts";

export const wgStatus: Command = {
  usage: "",
  summary: "The interface, the daemon, and all peers in numbers",
  options: {},
  async run({ api }) {
    const answer = await ask(api.GET("/api/v1/wireguard/status"));
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
