import assert from "node:assert/strict";
import { simpleParser } from "mailparser";
import { chromium, type Page } from "playwright-core";
import { ask, type Stack, stack } from "../support/stack.ts";
import { until } from "../support/until.ts";
import { writePrograms } from "../support/write_programs.ts";

const password = "Correct-Horse-7-Battery";

/** Chromium on a client's host: what it opens goes the way that the host's routes say. */
async function browserOn(made: Stack, role: string) {
  const program = `${made.daemon.folder}/chromium-on-${role}`;
  const command = made.net.argv(role, ["/usr/bin/chromium"]).join(" ");
  await writePrograms({ [program]: `#!/bin/sh\nexec ${command} "$@"\n` });
  const browser = await chromium.launch({
    executablePath: program,
    timeout: 120_000,
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
  });
  return {
    /** As a browser that was just started. */
    async open(link: string, timeout = 60_000): Promise<Page> {
      const context = await browser.newContext({ locale: "en-US" });
      context.setDefaultTimeout(120_000);
      const page = await context.newPage();
      await page.goto(link, { timeout });
      return page;
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

Deno.test("journey: T10: Chromium behind the tunnel accepts with a key of the server's, verifies and resets by the links of mails", async () => {
  await using made = await stack("client");
  await made.daemon.start();
  await made.startApi();
  const { body: acme } = await made.operator("/tenants", {
    json: { slug: "acme", name: "Acme", admin_email: "ada@acme.example" },
  });
  await using browser = await browserOn(made, "client");
  await assert.rejects(browser.open(acme.link, 10_000), "no tunnel, no page");
  const said = (page: Page, text: string) =>
    page.getByRole("status").getByText(text).waitFor({ timeout: 60_000 });
  const fill = async (page: Page, text: string) => {
    for (const field of ["#password", "#repeat"]) await page.locator(field).fill(text);
    await page.locator("#button").click();
  };

  const config = await (async () => {
    await using _ = await made.client("client", acme.enrolment.config);
    const page = await browser.open(acme.link);
    await fill(page, password);
    await said(page, "Your account is made.");
    await page.locator("#qr").waitFor();
    assert.equal(await page.locator("#own_key").isVisible(), false, "the key is in the file");
    return await page.locator("#config").inputValue();
  })();
  assert.match(config, /^PrivateKey = /m);

  // The file that the page showed is a tunnel, and what comes through it is Ada's.
  await using client = await made.client("client", config);
  const post = (path: string, json: unknown) =>
    ask(client, `/api/v1${path}`, { method: "POST", headers: { "X-Tenant-ID": "acme" }, json });
  const seen = await ask(client, "/api/v1/info");
  assert.deepEqual([seen.body.caller.via, seen.body.caller.tenant_id], ["tunnel", acme.tenant.id]);
  const email = "ada@acme.example";
  const folder = `${made.daemon.folder}/operator`;
  const linkOf = (name: string) =>
    until(`the link to /${name} is there`, async () => {
      for await (const file of Deno.readDir(folder)) {
        if (!file.name.endsWith(".eml")) continue;
        const { text = "" } = await simpleParser(await Deno.readTextFile(`${folder}/${file.name}`));
        const link = text.match(/https?:\/\/\S+/g)?.find((link) => link.includes(`/${name}#`));
        if (link) return link;
      }
    });
  await post("/auth/verify-email/resend", { email });
  const verifying = await browser.open(await linkOf("verify"));
  const verified = async () => {
    const [row] = await made.db.owner`
      select email_verified_at is not null as verified from users where email = ${email}`;
    return row?.verified;
  };
  assert.equal(await verified(), false, "looking proves nothing");
  await verifying.locator("#button").click();
  await said(verifying, "Thank you, your address is confirmed.");
  assert.equal(await verified(), true);

  await post("/password-reset/request", { email });
  const renewed = "Another-Horse-8-Battery";
  const resetting = await browser.open(await linkOf("reset"));
  await fill(resetting, renewed);
  await said(resetting, "Your password is changed.");
  assert.equal((await post("/auth/login", { email, password: renewed })).status, 200);
});
