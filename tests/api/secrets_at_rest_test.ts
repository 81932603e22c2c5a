import assert from "node:assert/strict";
import { useEverything } from "../support/use_everything.ts";
import { auditActions, changes } from "../../lib/audit/actions.ts";
import { type TestApi, testApi } from "../support/api.ts";
import { waitingMails } from "../support/mails.ts";
import { redisServer } from "../support/redis.ts";
import { checkpointFolder, testSealer } from "../support/sealer.ts";
import {
  findSecrets,
  secretField,
  secretsIn,
  spellings,
  unfolded,
  watchSecrets,
} from "../support/secret_watch.ts";

/** They share the shape of a creation, and have no link to answer. */
const neverThere = new Set([
  "POST /api/v1/users/invitations/accept answers: token",
  "POST /api/v1/wireguard/deliveries answers: token",
]);

Deno.test("app: A6: of every secret that an operation takes or hands out, nothing lies in tables, Redis, mails, exports, checkpoints or logs", async () => {
  await using redis = await redisServer();
  await using real = await testApi({
    network: "10.10.0.0/20",
    env: { REDIS_URL: redis.url },
  });
  await using folder = await checkpointFolder();
  await using sealer = await testSealer(real.db, folder.path, { clock: real.clock });
  const document = (await real.request("/openapi.json")).body;
  const watch = watchSecrets(real, Object.keys(document.paths));
  const { api } = watch;

  await useEverything(api, async () => watch.noteMails(await waitingMails(real)));
  await real.deps.apiKeyUsage.flush();
  await sealer.seal();

  // Whoever adds an operation with a secret adds it to the journey.
  const missing = secretPlaces(document).filter((place) =>
    !watch.seen.has(place) && !neverThere.has(place)
  );
  assert.deepEqual(missing, [], "not seen in the journey");
  assert(watch.secrets.size > 80, `${watch.secrets.size} secrets were seen`);

  // It is the longest journey there is, so it also holds the audit log to the list of what can stand in it.
  const entries = await real.db.owner<{ action: string; details: object }[]>`
    select action, details from audit_log`;
  assert.deepEqual(entries.flatMap((entry) => unknownOf(entry) ?? []), []);

  const places = {
    tables: await everyRow(real),
    redis: await everyKey(redis.url),
    exports: await exportsOf(real),
    checkpoints: await everyFile(folder.path),
    logs: [...real.log, ...sealer.log].join("\n"),
  };
  for (const [place, text] of Object.entries(places)) {
    assert(text.length > 100, `${place} were looked at`);
    assert.deepEqual(await findSecrets(`${text}\n${unfolded(text)}`, watch.secrets), [], place);
    // And a secret that does lie there is found, however it is written.
    for (const secret of ["4711-hush-hush-0815", [...watch.secrets.keys()].at(-1) ?? ""]) {
      for (const spelling of await spellings(secret)) {
        const found = await findSecrets(`${text} ${spelling}`, new Map([[secret, "planted"]]));
        assert.notDeepEqual(found, [], `${spelling} in ${place}`);
      }
    }
  }
});

interface Node {
  $ref?: string;
  type?: string | string[];
  properties?: Record<string, Node>;
  items?: Node;
  anyOf?: Node[];
  oneOf?: Node[];
  allOf?: Node[];
}

interface Content {
  content?: Record<string, { schema: Node }>;
}

interface Document {
  paths: Record<
    string,
    Record<string, { requestBody?: Content; responses: Record<string, Content> }>
  >;
  components: { schemas: Record<string, Node> };
}

/** What the document says: operations and fields of theirs by which secrets pass. */
function secretPlaces({ paths, components }: Document): string[] {
  const places = new Set<string>();
  function walk(node: Node | undefined, where: string, seen: readonly string[] = []): void {
    if (!node) return;
    const reference = node.$ref?.split("/").at(-1);
    if (reference !== undefined) {
      if (seen.includes(reference)) return;
      return walk(components.schemas[reference], where, [...seen, reference]);
    }
    const { items, anyOf = [], oneOf = [], allOf = [], properties = {} } = node;
    for (const each of [items, ...anyOf, ...oneOf, ...allOf]) walk(each, where, seen);
    for (const [name, value] of Object.entries(properties)) {
      if (secretField.test(name) && isText(value)) places.add(`${where}: ${name}`);
      walk(value, where, seen);
    }
  }
  const isText = (node: Node): boolean =>
    [node.type, node.items?.type].flat().includes("string") || (node.anyOf ?? []).some(isText);
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, { requestBody, responses }] of Object.entries(methods)) {
      const name = `${method.toUpperCase()} ${path}`;
      if (path.includes("{token}")) places.add(name);
      walk(requestBody?.content?.["application/json"]?.schema, `${name} takes`);
      for (const [status, { content }] of Object.entries(responses)) {
        if (Number(status) < 300) walk(content?.["application/json"]?.schema, `${name} answers`);
      }
    }
  }
  return [...places];
}

/** All rows of all tables of all schemas that are not PostgreSQL's own, as a dump would have them. */
async function everyRow({ db }: TestApi): Promise<string> {
  // Numbers of transactions are the server's own; on one that has had a hundred thousand they have six digits, as codes do.
  const tables = await db.superuser<{ select: string }[]>`
    select format('select row(%s)::text as row from %I.%I',
      string_agg(quote_ident(attname), ', ' order by attnum), nspname, relname) as select
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
    where relkind in ('r', 'm') and nspname !~ '^pg_' and nspname <> 'information_schema'
      and attnum > 0 and not attisdropped and atttypid not in ('xid8'::regtype, 'pg_snapshot'::regtype)
    group by nspname, relname`;
  assert(tables.length > 40, `${tables.length} tables`);
  let text = "";
  for (const { select } of tables) {
    const rows = await db.superuser.unsafe<{ row: string }[]>(select);
    text += rows.map(({ row }) => `${row}\n`).join("");
  }
  return text;
}

async function everyKey(url: string): Promise<string> {
  const port = new URL(url).port;
  const redis = async (...args: string[]) => {
    const { stdout } = await new Deno.Command("redis-cli", { args: ["-p", port, ...args] })
      .output();
    return new TextDecoder().decode(stdout);
  };
  const keys = (await redis("--scan")).trim().split("\n");
  const values = await Promise.all(keys.map((key) => redis("dump", key)));
  return [...keys, ...values].join("\n");
}

async function exportsOf(api: TestApi): Promise<string> {
  const tenants = await api.db.owner<{ slug: string }[]>`select slug from tenants`;
  const texts = tenants.flatMap(({ slug }) =>
    ["csv", "ndjson"].map(async (format) =>
      (await api.request(`/api/v1/audit/export?format=${format}`, { tenant: slug })).text
    )
  );
  return (await Promise.all(texts)).join("\n");
}

async function everyFile(folder: string): Promise<string> {
  let text = "";
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (isFile) text += await Deno.readTextFile(`${folder}/${name}`);
  }
  return text;
}

Deno.test("secretsIn: of files their keys, of links their token, of tokens what proves them", () => {
  assert.deepEqual(secretsIn("[Interface]\nPrivateKey = a=\n[Peer]\nPresharedKey = b="), [
    "a=",
    "b=",
  ]);
  assert.deepEqual(secretsIn("http://10.10.0.1:8000/accept#tenant=1&token=abc"), ["abc"]);
  assert.deepEqual(secretsIn("mc_prefix_secret"), ["mc_prefix_secret", "secret"]);
  assert.deepEqual(secretsIn("eyJh.eyJi.sig"), ["eyJh.eyJi.sig", "sig"]);
});

/** What an entry has that the list does not know, in words; undefined where all is known. */
function unknownOf(entry: { action: string; details: object }): string | undefined {
  const known: readonly string[] | undefined = Object.entries(auditActions)
    .find(([action]) => action === entry.action)?.[1];
  if (!known) return `the action ${entry.action}`;
  const field = Object.entries(entry.details).find(([name, value]) =>
    !known.includes(name) && name !== "api_key_id" &&
    !(known.includes(changes) && value !== null && typeof value === "object" && "after" in value)
  );
  return field && `${entry.action}: ${field[0]}`;
}
