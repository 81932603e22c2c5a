import { z } from "zod";
import { CliError } from "./error.ts";
import { everyItem, inTenant, type OperatorApi } from "./operator.ts";

/** The id of a peer that is named by it, or by a name that one peer of the tenant has. @throws {CliError} */
export async function peerId(
  api: OperatorApi,
  { tenant, peer }: { tenant: string; peer: string },
): Promise<string> {
  if (z.uuid().safeParse(peer).success) return peer.toLowerCase();
  const all = await everyItem((query) =>
    api.GET("/api/v1/wireguard/peers", {
      params: { ...inTenant(tenant), query: { ...query, q: peer } },
    })
  );
  const [found, ...more] = all.filter(({ name }) => name === peer);
  if (!found) {
    throw new CliError(`no peer of ${tenant} has the name ${peer}; one that went has its id`);
  }
  if (more.length > 0) {
    const ids = [found, ...more].map(({ id }) => `\n  ${id}`);
    throw new CliError(`several peers have the name ${peer}; name one by its id:${ids.join("")}`);
  }
  return found.id;
}

/** The number of a user who is named by it, or by his e-mail address. @throws {CliError} */
export async function userId(
  api: OperatorApi,
  { tenant, user }: { tenant: string; user: string },
): Promise<number> {
  if (/^\d{1,9}$/.test(user)) return Number(user);
  if (!user.includes("@")) throw new CliError("--user takes a user's number or e-mail address", 2);
  const email = user.trim().toLowerCase();
  // Part of an address is part of many.
  const alike = await everyItem((query) =>
    api.GET("/api/v1/users", { params: { ...inTenant(tenant), query: { ...query, q: email } } })
  );
  const found = alike.find((item) => item.email === email);
  if (!found) throw new CliError(`no user of ${tenant} has the address ${user}`);
  return found.id;
}
