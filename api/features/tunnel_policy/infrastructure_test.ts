import assert from "node:assert/strict";
import { testSecrets } from "../../../tests/support/api.ts";
import { loadConfig } from "../../config.ts";
import { createInfrastructure, dependenciesOf } from "./infrastructure.ts";

const config = (env: Record<string, string>) =>
  loadConfig({
    ...testSecrets,
    DATABASE_URL: "postgres://a:b@localhost/c?host=/run/massacorp/postgres",
    DATABASE_PLATFORM_URL: "postgres://a:b@localhost/c?host=/run/massacorp/postgres",
    ...env,
  });

Deno.test("dependenciesOf: every host that the API is told to rest on, and no socket", () => {
  assert.deepEqual(dependenciesOf(config({})), []);
  assert.deepEqual(
    dependenciesOf(config({
      DATABASE_URL: "postgres://a:b@pooler.internal:6432/c",
      DATABASE_PLATFORM_URL: "postgresql://a:b@[fd00:1::5]/c",
      DATABASE_DIRECT_URL: "postgres://a:b@10.1.0.5,10.1.0.6/c",
      REDIS_URL: "rediss://:secret@10.2.0.7:6380",
      SMTP_URL: "smtps://mail.internal",
      MAIL_FROM: "no-reply@vpn.example",
    })),
    [
      { setting: "DATABASE_URL", host: "pooler.internal" },
      { setting: "DATABASE_PLATFORM_URL", host: "fd00:1::5" },
      { setting: "DATABASE_DIRECT_URL", host: "10.1.0.5" },
      { setting: "DATABASE_DIRECT_URL", host: "10.1.0.6" },
      { setting: "REDIS_URL", host: "10.2.0.7" },
      { setting: "SMTP_URL", host: "mail.internal" },
    ],
  );
});

Deno.test("T9: createInfrastructure: any address of a name counts, as it is now, and one that is not found counts as any", async () => {
  const names: Record<string, string[]> = { "db.internal": ["10.1.0.5", "fd00:1::5"] };
  const infrastructure = createInfrastructure([
    { setting: "DATABASE_URL", host: "db.internal" },
    { setting: "REDIS_URL", host: "::ffff:10.2.0.7" },
  ], {
    resolve: (host) => {
      const found = names[host];
      return found ? Promise.resolve(found) : Promise.reject(new Error(`no ${host}`));
    },
  });
  const holds = "holds the host of DATABASE_URL";
  for (const network of ["10.1.0.5/32", "10.1.0.0/24", "10.0.0.0/8", "fd00:1::/64"]) {
    assert.equal(await infrastructure(network), holds, network);
  }
  assert.equal(await infrastructure("10.2.0.0/24"), "holds the host of REDIS_URL");
  for (const network of ["10.1.0.4/32", "10.1.0.6/31", "10.1.1.0/24", "fd00:2::/64"]) {
    assert.equal(await infrastructure(network), null, network);
  }
  names["db.internal"] = ["10.1.1.5"];
  assert.equal(await infrastructure("10.1.1.0/24"), holds, "it has moved");
  const unknown = "may hold the host of DATABASE_URL, whose name is not found";
  for (const found of [undefined, [], ["fe80::1%eth0"]]) {
    delete names["db.internal"];
    if (found) names["db.internal"] = found;
    assert.equal(await infrastructure("198.51.100.0/24"), unknown, String(found));
  }
  const silent = createInfrastructure([{ setting: "DATABASE_URL", host: "db.internal" }], {
    resolve: () => new Promise(() => {}),
    timeoutMs: 20,
  });
  assert.equal(await silent("198.51.100.0/24"), unknown);
});

Deno.test("createInfrastructure: asks the system for what a name is", async () => {
  const localhost = [{ setting: "SMTP_URL", host: "localhost" }];
  const infrastructure = createInfrastructure(localhost, { timeoutMs: 60_000 });
  assert.equal(await infrastructure("127.0.0.0/8"), "holds the host of SMTP_URL");
  assert.equal(await infrastructure("198.51.100.0/24"), null);
});
