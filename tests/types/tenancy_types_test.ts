import assert from "node:assert/strict";

const tenancy = new URL("../../api/database/tenancy.ts", import.meta.url).href;
const connection = new URL("../../db/connection.ts", import.meta.url).href;

const prelude = `
import type { Platform, PlatformSql, Tenancy, TenantId, TenantSql } from "${tenancy}";
import { asTenantId } from "${tenancy}";
import type { Sql } from "${connection}";
declare const plain: Sql;
declare const tenancy: Tenancy;
declare const platform: Platform;
declare const platformSql: PlatformSql;
declare const tenantSql: TenantSql;
declare function inTenant(sql: TenantSql): Promise<void>;
declare function inPlatform(sql: PlatformSql): Promise<void>;
`;

/** What must compile: the same things, used right. */
const right = `
await inTenant(tenantSql);
await inPlatform(platformSql);
const id: TenantId = asTenantId(7);
await tenancy.query(id, (sql) => sql<{ n: number }[]>\`select 1 as n\`);
await tenancy.transaction(id, (sql) => inTenant(sql));
await platform.transaction(async (sql, enter) => { await enter(id); await inPlatform(sql); });
`;

/** What must not, each with the error it has to give. */
const wrong: Record<string, { code: string; snippet: string }> = {
  "a plain connection where a tenant's is asked for": {
    code: "TS2345",
    snippet: "await inTenant(plain);",
  },
  "a plain connection where the platform's is asked for": {
    code: "TS2345",
    snippet: "await inPlatform(plain);",
  },
  "a number where a tenant's id is asked for": {
    code: "TS2345",
    snippet: "await tenancy.query(7, (sql) => sql`select 1`);",
  },
  "a text where a tenant's id is asked for": {
    code: "TS2345",
    snippet: `await tenancy.transaction("7", (sql) => inTenant(sql));`,
  },
  "a text made a tenant's id": { code: "TS2345", snippet: `asTenantId("7");` },
  "a number entered by the platform": {
    code: "TS2345",
    snippet: "await platform.transaction((_, enter) => enter(7));",
  },
  "the platform's statements as a tenant's": {
    code: "TS2345",
    snippet: "await platform.transaction((sql) => inTenant(sql));",
  },
  "a tenant's statements as the platform's": {
    code: "TS2345",
    snippet: "await inPlatform(tenantSql);",
  },
  "a text instead of a template": {
    code: "TS2345",
    snippet: `await tenantSql("select 1");`,
  },
  "an unsafe statement inside a tenant": {
    code: "TS2339",
    snippet: `await tenantSql.unsafe("select 1");`,
  },
  "a transaction of one's own inside a tenant": {
    code: "TS2339",
    snippet: "await tenantSql.begin(() => {});",
  },
  "an undefined parameter": {
    code: "TS2345",
    snippet: "await tenantSql`select ${undefined}`;",
  },
};

/** The error codes that `deno check` finds in each file. */
async function check(files: Record<string, string>): Promise<Map<string, string[]>> {
  const folder = await Deno.makeTempDir({ prefix: "massacorp-types-" });
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const { stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--config", config, ...Object.keys(files).map((name) => `${folder}/${name}`)],
      env: { NO_COLOR: "1" },
    }).output();
    const found = new Map<string, string[]>(Object.keys(files).map((name) => [name, []]));
    const errors = new TextDecoder().decode(stderr).split(/^(?=TS\d+ \[ERROR\])/m);
    for (const error of errors) {
      const code = /^(TS\d+) \[ERROR\]/.exec(error)?.[1];
      if (!code) continue;
      const at = [...error.matchAll(/at file:\/\/(\S+?):\d+:\d+/g)][0]?.[1] ?? "";
      assert.ok(at.startsWith(folder), `an error outside the snippets: ${error}`);
      found.get(at.slice(folder.length + 1))?.push(code);
    }
    return found;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("N1: a statement outside its tenant does not compile", async (t) => {
  const cases = Object.entries(wrong);
  const files = Object.fromEntries([
    ["right.ts", prelude + right],
    ...cases.map(([, { snippet }], index) => [`wrong_${index}.ts`, prelude + snippet]),
  ]);
  const errors = await check(files);
  await t.step("used right, it compiles", () => assert.deepEqual(errors.get("right.ts"), []));
  for (const [index, [name, { code }]] of cases.entries()) {
    await t.step(name, () => assert.deepEqual(errors.get(`wrong_${index}.ts`), [code]));
  }
});
