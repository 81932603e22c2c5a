import { inSpan, type SpanDescription } from "../../lib/spans.ts";
import type { WgdClient } from "../../wgd/client.ts";
import type { Platform, Tenancy } from "../database/tenancy.ts";
import type { Transport } from "../mail/mod.ts";

const database = (name: string): SpanDescription => ({
  name,
  kind: "client",
  attributes: { "db.system.name": "postgresql" },
});
const [query, ask, act, transaction, platform] = [
  ...[database("tenant query"), database("tenant ask"), database("tenant act")],
  ...[database("tenant transaction"), database("platform transaction")],
] as const;

/**
 * What a request asks of others, as spans of their own. Put around only where spans are recorded, so that they cost
 * nobody else a call. Neither a statement nor a letter nor a peer is told.
 */
export const spanned = {
  tenancy: (of: Tenancy): Tenancy => ({
    query: (tenant, statement) => inSpan(query, () => of.query(tenant, statement)),
    ask: (statement) => inSpan(ask, () => of.ask(statement)),
    act: (tenant, statement) => inSpan(act, () => of.act(tenant, statement)),
    transaction: (tenant, work) => inSpan(transaction, () => of.transaction(tenant, work)),
  }),
  platform: (of: Platform): Platform => ({
    transaction: (work) => inSpan(platform, () => of.transaction(work)),
  }),
  wgd: (of: WgdClient): WgdClient => ({
    ...of,
    status: () => inSpan({ name: "wgd status", kind: "client" }, () => of.status()),
    peers: (id) => inSpan({ name: "wgd peers", kind: "client" }, () => of.peers(id)),
    reconcile: (request) =>
      inSpan({
        name: "wgd reconcile",
        kind: "client",
        attributes: { "massacorp.peers": request.peer_ids?.length ?? 0 },
      }, () => of.reconcile(request)),
  }),
  transport: (of: Transport): Transport => ({
    ...of,
    send: (mail) =>
      inSpan(
        { name: "mail send", kind: "client", attributes: { "massacorp.transport": of.name } },
        () => of.send(mail),
      ),
  }),
};
