import assert from "node:assert/strict";
import { loadConfig as loadApiConfig } from "../api/config.ts";
import { operatorSockets } from "../api/cli/config.ts";
import { problemTypes } from "../api/errors.ts";
import { loadConfig as loadBackupConfig } from "../deploy/backup/config.ts";
import { loadConfig as loadLocalConfig } from "../deploy/local/config.ts";
import { loadConfig as loadMigrateConfig } from "../deploy/production/config.ts";
import { ConfigError, type Env } from "../lib/env.ts";
import { auditActions, changes } from "../lib/audit/actions.ts";
import { groups } from "../tests/groups.ts";
import { testApi } from "../tests/support/api.ts";
import { loadConfig as loadSealerConfig } from "../sealer/config.ts";
import { loadVerifyConfig } from "../sealer/verify_config.ts";
import { loadConfig as loadWgdConfig } from "../wgd/config.ts";

const project = new URL("../", import.meta.url);
const read = (path: string) => Deno.readTextFile(new URL(path, project));

/** The cells of every table row whose first cell is code, such as `` | `ENV` | dev | ``. */
function codeRows(markdown: string): string[][] {
  return markdown.split("\n").filter((line) => line.startsWith("| `")).map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim())
  );
}

const uncoded = (cell = "") => /^`([^`]+)`$/.exec(cell)?.[1] ?? "";

/** Every name that a loader asks of its environment, found by letting it ask. */
function namesAsked(load: (env: Env) => unknown): string[] {
  const asked = new Set<string>();
  const env: Env = new Proxy({}, {
    get(_, name) {
      asked.add(String(name));
      return undefined;
    },
  });
  try {
    load(env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
  }
  return [...asked];
}

Deno.test("docs/settings.md: its table has every variable that a process reads, says which may come from a file, and no other", async () => {
  const asked = new Set(
    [
      loadApiConfig,
      loadWgdConfig,
      loadSealerConfig,
      loadVerifyConfig,
      loadLocalConfig,
      loadMigrateConfig,
      loadBackupConfig,
      operatorSockets,
    ].flatMap((load) => namesAsked((env) => load(env))),
  );
  const isVariant = (name: string) => name.endsWith("_FILE") && asked.has(name.slice(0, -5));
  const wanted = [...asked].filter((name) => !isVariant(name))
    .map((name) => `${name}${asked.has(`${name}_FILE`) ? " or file" : ""}`);
  const rows = codeRows(await read("docs/settings.md"));
  const written = rows.map(([name, , , file]) =>
    `${uncoded(name)}${file === "yes" ? " or file" : ""}`
  );
  assert.ok(wanted.length > 30);
  assert.deepEqual(written.toSorted(), wanted.toSorted());
});

Deno.test("docs/api.md: its table has every operation of the OpenAPI document with its permission, and no other", async () => {
  await using api = await testApi();
  const { paths } = (await api.request("/openapi.json")).body;
  const wanted = Object.entries<Record<string, Record<string, unknown>>>(paths).flatMap((
    [path, methods],
  ) =>
    Object.entries(methods).map(([method, operation]) =>
      `${method.toUpperCase()} ${path} ${operation["x-permission"]}`
    )
  );
  const markdown = await read("docs/api.md");
  const now = markdown.slice(0, markdown.indexOf("## Not there yet"));
  const written = codeRows(now).flatMap(([operation, permission]) =>
    /^[A-Z]+ \//.test(uncoded(operation)) ? [`${uncoded(operation)} ${uncoded(permission)}`] : []
  );
  assert.deepEqual(written.toSorted(), wanted.toSorted());
});

Deno.test("docs/api.md: its table of codes has every code under its status, and no other", async () => {
  const rows = (await read("docs/api.md")).matchAll(/^\| (\d{3}) +\| (.*) \|$/gm);
  const written = [...rows].flatMap(([, status, codes = ""]) =>
    [...codes.matchAll(/`([a-z_]+)`/g)].map(([, code]) => `${status} ${code}`)
  );
  const ours = Object.entries(problemTypes).map(([code, { status }]) => `${status} ${code}`);
  assert.deepEqual(written.toSorted(), [...ours, "400 malformed_request"].toSorted());
});

Deno.test("docs/promises.md: every promise is there, and every test it names is in its file", async () => {
  const markdown = await read("docs/promises.md");
  const numbers = [...markdown.matchAll(/^### ([TNAD]\d+) /gm)].map(([, number]) => number);
  const count = (letter: string, n: number) =>
    Array.from({ length: n }, (_, i) => letter + (i + 1));
  assert.deepEqual(numbers, [
    ...count("T", 10),
    ...count("N", 3),
    ...count("A", 6),
    ...count("D", 4),
  ]);
  const named = codeRows(markdown).map(([file, test]) => [uncoded(file), test ?? ""] as const);
  assert.ok(named.length > 50);
  assert.deepEqual(await missingTests(named), []);
});

async function missingTests(named: readonly (readonly [file: string, test: string])[]) {
  const missing: string[] = [];
  for (const [file, test] of named) {
    const source = await read(file).catch(() => "");
    if (!source.includes(test)) missing.push(`${file}: ${test}`);
  }
  return missing;
}

Deno.test("docs/faults.md: every test it names is in its file, and its files are the group `faults`", async () => {
  const rows = [...(await read("docs/faults.md")).matchAll(/^\|.*\| `(\S+)` +\| (.*?) +\|$/gm)];
  const named = rows.map(([, file = "", test = ""]) => [file, test] as const);
  assert.ok(named.length > 20);
  assert.deepEqual(await missingTests(named), []);
  const group = groups.find(({ name }) => name === "faults");
  const files = new Set(named.map(([file]) => file));
  assert.deepEqual([...files].sort(), group?.paths.toSorted());
});

/** Sections of ASVS 5.0.0, V6 to V10, with their requirements of levels 1 and 2. */
const asvs: Record<string, string> = {
  "6.1": "1 2 3",
  "6.2": "1 2 3 4 5 6 7 8 9 10 11 12",
  "6.3": "1 2 3 4",
  "6.4": "1 2 3 4",
  "6.5": "1 2 3 4 5",
  "6.6": "1 2 3",
  "6.8": "1 2 3 4",
  "7.1": "1 2 3",
  "7.2": "1 2 3 4",
  "7.3": "1 2",
  "7.4": "1 2 3 4 5",
  "7.5": "1 2",
  "7.6": "1 2",
  "8.1": "1 2",
  "8.2": "1 2 3",
  "8.3": "1",
  "8.4": "1",
  "9.1": "1 2 3",
  "9.2": "1 2 3 4",
  "10.1": "1 2",
  "10.2": "1 2",
  "10.3": "1 2 3 4",
  "10.4": "1 2 3 4 5 6 7 8 9 10 11",
  "10.5": "1 2 3 4 5",
  "10.6": "1 2",
  "10.7": "1 2 3",
};

Deno.test("docs/asvs.md: has every requirement of levels 1 and 2 with a state, and tests that are there", async () => {
  const rows = codeRows(await read("docs/asvs.md")).filter(([number]) =>
    /^[\d.]+$/.test(uncoded(number))
  );
  const wanted = Object.entries(asvs).flatMap(([section, numbers]) =>
    numbers.split(" ").map((number) => `${section}.${number}`)
  );
  assert.deepEqual(rows.map(([number]) => uncoded(number)), wanted);
  const states = ["met", "partly", "deviation", "not yet", "does not apply"];
  const faults: string[] = [];
  for (const [number, , about = "", state = "", where = "", tests = ""] of rows) {
    if (!states.includes(state) || about === "" || where === "") faults.push(`${number}: ${state}`);
    for (const test of tests.split("<br>").filter((text) => text !== "")) {
      const [, file = "", name = ""] = /^`([^`]+_test\.ts)` (.+)$/.exec(test) ?? [];
      const source = await read(file).catch(() => "");
      if (name === "" || !source.includes(name)) faults.push(`${number}: ${test}`);
    }
  }
  assert.deepEqual(faults, []);
});

/** As GitHub makes the anchors of a page's headings. */
function anchorsOf(markdown: string): Set<string> {
  const headings = markdown.replaceAll(/^```[^]*?^```/gm, "").matchAll(/^#+ (.*)$/gm);
  return new Set(
    [...headings].map(([, heading = ""]) =>
      heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-")
    ),
  );
}

Deno.test("documents: every link inside the project leads somewhere, to its heading too", async () => {
  const documents = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"]
    .concat("CHANGELOG.md", "db/CONVENTIONS.md");
  for (const folder of ["docs/", "docs/decisions/"]) {
    for await (const { name } of Deno.readDir(new URL(folder, project))) {
      if (name.endsWith(".md")) documents.push(folder + name);
    }
  }
  const dead: string[] = [];
  for (const document of documents) {
    const text = await read(document);
    for (const [, target = "", heading = ""] of text.matchAll(/\]\(([^)#:\s]*)(#[^)\s]*)?\)/g)) {
      const path = target === "" ? document : new URL(target, new URL(document, project)).pathname;
      const page = path.endsWith(".md") && heading !== "";
      const leads = page
        ? await read(path).then((found) => anchorsOf(found).has(heading.slice(1)), () => false)
        : await Deno.stat(new URL(path, project)).then(() => true, () => false);
      if (!leads) dead.push(`${document} -> ${target}${heading}`);
    }
  }
  assert.deepEqual(dead, []);
});

Deno.test("docs/audit.md: its table has every action that the code knows, with its details, and no other", async () => {
  const page = await read("docs/audit.md");
  const section = page.slice(page.indexOf("## What is recorded"), page.indexOf("## Retention"));
  const written = codeRows(section).map(([action, details = ""]) => [
    uncoded(action),
    details.replaceAll("`{before, after}`", "").match(/`[a-z_]+`|each changed field/g)?.map((
      field,
    ) => field === "each changed field" ? changes : uncoded(field)) ?? [],
  ]);
  assert.deepEqual(written, Object.entries(auditActions));
});

Deno.test("docs/benchmarks.md: its table has every part of the bench, and no other", async () => {
  const [bench, page] = await Promise.all(
    ["../tests/bench/main.ts", "benchmarks.md"].map((path) =>
      Deno.readTextFile(new URL(path, import.meta.url))
    ),
  );
  const all = (text: string | undefined, form: RegExp) =>
    [...(text ?? "").matchAll(form)].map(([, name = ""]) => name).sort();
  const [, table] = /\n\| Part [^]*?\n([^]*?)\n\n/.exec(page ?? "") ?? [];
  const parts = all(bench, /^ {2}"([a-z-]+)": \{/gm);
  assert(parts.length > 10);
  assert.deepEqual(all(table, /^\| `([a-z-]+)`/gm), parts);
});
