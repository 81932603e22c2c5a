import openapiTS, { astToString } from "openapi-typescript";
import { createApp } from "../app.ts";
import { version } from "../../lib/version.ts";
import { buildDeps } from "../build_deps.ts";
import { loadConfig } from "../config.ts";
import { systemClock } from "../../lib/clock.ts";
import { silentLogger } from "../../lib/log.ts";
import { describeApi, type OpenApiDocument } from "./mod.ts";

/** The document of the whole API, made without a database: nothing is connected before it is first used. */
export async function makeDocument(): Promise<OpenApiDocument> {
  const secret = () => crypto.getRandomValues(new Uint8Array(32)).toBase64();
  const config = loadConfig({
    JWT_SECRET: secret(),
    ENCRYPTION_KEY: secret(),
    DATABASE_URL: "postgres://massacorp_api@localhost/massacorp",
    DATABASE_PLATFORM_URL: "postgres://massacorp_platform@localhost/massacorp",
  });
  const { deps, close } = await buildDeps({ config, clock: systemClock, log: silentLogger });
  try {
    return describeApi(createApp(deps), { version });
  } finally {
    await close();
  }
}

const types = "// Made from docs/openapi.json by `deno task openapi`.\n";

/** What is committed of a document, by its path in the project. */
export async function committedFiles(document: OpenApiDocument): Promise<Record<string, string>> {
  const json = JSON.stringify(document, null, 2);
  // The client names its tenant by itself (`createApiClient({ tenant })`), so that no call has to.
  const ofClient = JSON.stringify(document, (_, value) => {
    if (value?.name !== "X-Tenant-ID" || value.in !== "header") return value;
    const { required: _required, ...optional } = value;
    return optional;
  });
  const ast = await openapiTS(ofClient, { defaultNonNullable: false });
  return {
    "docs/openapi.json": `${json}\n`,
    "api/client/schema.ts": `${types}${astToString(ast)}`,
  };
}
