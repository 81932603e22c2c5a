import assert from "node:assert/strict";
import { loopback, testApi, tunnelFrom } from "../../../tests/support/api.ts";
import { browsed } from "../../../tests/support/browser.ts";

Deno.test("docs: served in dev, in production where it is switched on, and to no stranger on the tunnel", async () => {
  await using dev = await testApi();
  const page = await dev.request("/docs", { via: loopback });
  assert.equal(page.status, 200);
  const policy = page.headers.get("content-security-policy") ?? "";
  assert.match(policy, /^default-src 'none'; script-src 'nonce-[^']{24}'; style-src 'nonce-/);
  // The nonce itself is of any letters.
  assert.doesNotMatch(policy.replaceAll(/'nonce-[^']{24}'/g, ""), /unsafe|\*|http/);
  const again = await dev.request("/docs/", { via: loopback });
  assert.notEqual(again.headers.get("content-security-policy"), policy, "a nonce is used once");
  assert.equal(page.headers.get("x-frame-options"), "DENY");
  for (const path of ["/docs", "/docs/start.js", "/docs/swagger-ui.js"]) {
    const stranger = await dev.request(path, { via: tunnelFrom("10.10.0.250") });
    assert.equal(stranger.body.code, "wrong_tunnel", path);
  }
  for (const path of ["/docs/package.json", "/docs/..%2f..%2fmod.ts", "/docs/__proto__"]) {
    const { body } = await dev.request(path, { via: loopback });
    // nginx, where it is in front, does not even pass on a path that leads above the root.
    assert(["not_found", "malformed_request"].includes(body.code), `${path}: ${body.code}`);
  }
  // Behind a proxy, where this runs there, production asks for the last.
  const production = { ENV: "prod", API_LISTEN: "tunnel", PUBLIC_URL: "http://10.10.0.1:8000" };
  await using prod = await testApi({ beside: dev, env: production });
  assert.equal((await prod.request("/docs", { via: loopback })).status, 404);
  assert.equal((await prod.request("/docs/start.js", { via: loopback })).status, 404);
  await using asked = await testApi({ beside: dev, env: { ...production, API_DOCS: "on" } });
  assert.equal((await asked.request("/docs", { via: loopback })).status, 200);
});

Deno.test("docs: Chromium shows every operation under the policy, tries one out, and asks nobody but the API", async () => {
  await using given = await browsed("en-US");
  const { page, url, complaints } = given;
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(`${url}/docs`);
  await page.locator(".opblock").nth(90).waitFor({ state: "attached" });
  const info = page.locator("#operations-Base-getInfo");
  await info.locator(".opblock-summary-control").click();
  await info.getByRole("button", { name: "Try it out" }).click();
  await info.getByRole("button", { name: "Execute" }).click();
  await info.locator(".live-responses-table").getByText('"via": "loopback"').waitFor();
  const own = asked.filter((each) => !each.startsWith("data:"));
  assert.deepEqual(own.filter((each) => !each.startsWith(`${url}/`)), []);
  assert.ok(own.includes(`${url}/api/v1/info`), own.join("\n"));
  assert.deepEqual(complaints, []);
});
