import { testApi } from "./support/api.ts";
await using api = await testApi();
const { body } = await api.request("/openapi.json");
Deno.writeTextFileSync("/tmp/proof/openapi.json", JSON.stringify(body, null, 1));
