/** Parts of the API, in the order of a reader, with the paths that belong to each: the longest wins. */
const parts: { name: string; description: string; paths: string[] }[] = [
  { name: "Base", description: "What this is, and whether it lives", paths: ["/", "/api/v1/info"] },
  {
    name: "Sign-in",
    description: "Sessions begin, go on and end; accounts that somebody makes for himself",
    paths: ["/api/v1/auth"],
  },
  {
    name: "Password reset",
    description: "A new password by a link in a mail",
    paths: ["/api/v1/password-reset"],
  },
  { name: "Second factor", description: "One's own", paths: ["/api/v1/mfa"] },
  {
    name: "Encryption",
    description: "Another key, for the operator",
    paths: ["/api/v1/encryption"],
  },
  { name: "Sessions", description: "One's own, and all of them", paths: ["/api/v1/sessions"] },
  { name: "API keys", description: "One's own, for programs", paths: ["/api/v1/api-keys"] },
  { name: "Users", description: "People of a tenant", paths: ["/api/v1/users"] },
  {
    name: "Invitations",
    description: "How somebody becomes a user",
    paths: ["/api/v1/users/invitations"],
  },
  {
    name: "Roles",
    description: "What users may do",
    paths: ["/api/v1/roles", "/api/v1/users/{id}/roles"],
  },
  { name: "Permissions", description: "All there are", paths: ["/api/v1/permissions"] },
  { name: "Tenants", description: "Companies, and their settings", paths: ["/api/v1/tenants"] },
  { name: "Audit", description: "What was done, provably", paths: ["/api/v1/audit"] },
  {
    name: "Peers",
    description: "A tenant's devices in the tunnel",
    paths: ["/api/v1/wireguard/peers"],
  },
  {
    name: "Self-service",
    description: "One's own devices",
    paths: ["/api/v1/wireguard/me/peers", "/api/v1/wireguard/deliveries"],
  },
  {
    name: "Tunnel policy",
    description: "What a tenant's peers reach beyond the API",
    paths: ["/api/v1/wireguard/policy", "/api/v1/wireguard/grants"],
  },
  {
    name: "Gateway",
    description: "The interface, its addresses and keys",
    paths: ["/api/v1/wireguard"],
  },
];

export const tags = parts.map(({ name, description }) => ({ name, description }));

/** The part that a path belongs to. */
export function tagOf(path: string): string {
  const found = parts
    .flatMap(({ name, paths }) => paths.map((prefix) => ({ name, prefix })))
    .filter(({ prefix }) => path.startsWith(prefix))
    .sort((a, b) => b.prefix.length - a.prefix.length);
  const [longest] = found;
  if (!longest) throw new Error(`${path} belongs to no part of the API (api/document/tags.ts)`);
  return longest.name;
}
