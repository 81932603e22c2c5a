import { type Command, table } from "./command.ts";
import { CliError } from "./error.ts";
import { ask, everyItem, type OperatorApi } from "./operator.ts";

const heldKeys = (api: OperatorApi) =>
  everyItem((query) => api.GET("/api/v1/wireguard/held-keys", { params: { query } }));

export const wgHeld: Command = {
  usage: "",
  summary: "List keys on the interface that no row explains: they stay until wg:release",
  options: {},
  async run({ api }) {
    const items = await heldKeys(api);
    const rows = items.map((key) => [
      key.public_key,
      key.why,
      key.allowed_ips.join(",") || "-",
      key.endpoint ?? "-",
      key.last_handshake_at ?? "never",
      `${key.received_bytes}/${key.sent_bytes}`,
    ]);
    const headings = ["KEY", "WHY", "ALLOWED IPS", "ENDPOINT", "LAST HANDSHAKE", "BYTES IN/OUT"];
    return { answer: items, text: items.length === 0 ? "no key is held" : table(headings, rows) };
  },
};

const words: Record<string, string> = {
  removed: "is gone from the interface",
  revoking: "may go: the daemon has not confirmed yet that it is gone",
  kept: "stays: it got a row in the meantime",
  not_held: "is not held: it has a row, or is not on the interface",
};

/** Keys in one call of the API. */
const chunk = 1000;

export const wgRelease: Command = {
  usage: "KEY... | --all",
  summary: "Take off keys that no row explains; --all means those that wg:held lists now",
  options: { all: { type: "boolean" } },
  async run({ api, values, positionals }) {
    if (Boolean(values["all"]) === (positionals.length > 0)) {
      throw new CliError("give keys as wg:held lists them, or --all", 2);
    }
    const keys = values["all"] ? (await heldKeys(api)).map((key) => key.public_key) : positionals;
    const items: { public_key: string; state: string }[] = [];
    for (let at = 0; at < keys.length; at += chunk) {
      const answer = await ask(api.POST("/api/v1/wireguard/held-keys/release", {
        body: { public_keys: keys.slice(at, at + chunk) },
      }));
      items.push(...answer.items);
    }
    return {
      answer: items,
      text: items.length === 0
        ? "no key is held"
        : items.map(({ public_key, state }) => `${public_key} ${words[state] ?? state}`).join("\n"),
      failed: items.some(({ state }) => state === "not_held"),
    };
  },
};
