import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { generateKeyPair } from "../../../lib/wireguard_key.ts";
import { adminOf, loopback, peerOf, type TestApi, testApi } from "../../../tests/support/api.ts";
import { browsed } from "../../../tests/support/browser.ts";
import { faintTexts } from "../../../tests/support/contrast.ts";
import { waitingMails } from "../../../tests/support/mails.ts";
import { until } from "../../../tests/support/until.ts";
import { languageOf } from "./words.ts";

const password = "Quince-marmalade 41 lanterns!";

async function linkIn(api: TestApi, template: string): Promise<string> {
  const mail = (await waitingMails(api)).filter((mail) => mail.template === template).at(-1);
  assert.ok(mail && "link" in mail.data, template);
  return mail.data.link;
}

/** What the page says to its user, once it does. */
const shown = (page: Page, text: string) =>
  page.getByRole("status").getByText(text).waitFor({ timeout: 60_000 });

async function fill(page: Page, first: string, second: string): Promise<void> {
  await page.locator("#password").fill(first);
  await page.locator("#repeat").fill(second);
  await page.locator("#button").click();
}

Deno.test("pages: the same for everybody, in the browser's language, under a policy that lets one script run", async () => {
  await using api = await testApi();
  for (const path of ["/accept", "/verify", "/reset", "/reset/"]) {
    const english = await api.request(path, { via: loopback });
    assert.equal(english.status, 200);
    assert.match(english.text, /<html lang="en">/);
    const french = await api.request(path, {
      via: loopback,
      headers: {
        "Accept-Language": "de, fr-CA;q=0.8, en;q=0.7",
        "X-Forwarded-Host": "evil.example",
      },
    });
    assert.match(french.text, /<html lang="fr">/);
    assert.doesNotMatch(french.text, /evil\.example|https?:\/\/| on\w+=| style=/);
    assert.equal(french.text.match(/<script/g)?.length, 1);
    assert.match(french.headers.get("vary") ?? "", /\bAccept-Language\b/);
    const policy = french.headers.get("content-security-policy") ?? "";
    assert.deepEqual(policy.replaceAll(/'sha256-[^']{44}'/g, "HASH").split("; "), [
      ...["default-src 'none'", "script-src HASH", "style-src HASH", "connect-src 'self'"],
      ...["img-src data:", "form-action 'none'", "base-uri 'none'", "frame-ancestors 'none'"],
      "require-trusted-types-for 'script'",
    ]);
    const headers = [
      "cache-control",
      "referrer-policy",
      "x-frame-options",
      "x-content-type-options",
    ];
    assert.deepEqual(headers.map((name) => french.headers.get(name)), [
      "no-store",
      "no-referrer",
      "DENY",
      "nosniff",
    ]);
  }
  const enrolled = await adminOf(api, "acme");
  const peer = await api.request("/api/v1/wireguard/peers", {
    token: enrolled.token,
    body: {
      name: "new",
      kind: "enrolment",
      expires_at: new Date(api.clock.now() + 3_600_000).toISOString(),
    },
  });
  const via = { listener: "tunnel" as const, address: peer.body.peer.address };
  assert.equal((await api.request("/reset", { via })).status, 200, "through an enrolment peer too");
  const nobody = { ...via, address: "10.10.0.250" };
  assert.equal((await api.request("/reset", { via: nobody })).body.code, "wrong_tunnel");
});

Deno.test("pages: whoever loads them is counted with the anonymous", async () => {
  await using api = await testApi({ env: { RATE_LIMIT_ANONYMOUS: "3" } });
  const statuses: number[] = [];
  for (const path of ["/accept", "/verify", "/reset", "/reset", "/accept"]) {
    statuses.push((await api.request(path, { via: loopback })).status);
  }
  assert.deepEqual(statuses, [200, 200, 200, 429, 429]);
});

Deno.test("pages: Chromium walks a reset: looking uses nothing up, the rules are explained, the password is new", async () => {
  await using given = await browsed("fr-FR");
  const { api, page } = given;
  const acme = await adminOf(api, "acme");
  await api.request("/api/v1/password-reset/request", {
    via: loopback,
    tenant: "acme",
    body: { email: acme.email },
  });
  const link = await linkIn(api, "password_reset");
  // What shows a preview, and a reload: each asks whether the link is good.
  for (let n = 1; n <= 3; n++) {
    await page.goto("about:blank");
    await page.goto(link);
    const looked = () => given.requests.filter((request) => request.includes("/validate/")).length;
    await until("the page has looked", () => looked() === n);
  }
  assert.equal(await page.title(), "Choisir un nouveau mot de passe");
  for (const field of ["#password", "#repeat"]) {
    const [type, autocomplete] = ["type", "autocomplete"].map((name) =>
      page.locator(field).getAttribute(name)
    );
    assert.deepEqual([await type, await autocomplete], ["password", "new-password"], field);
  }
  await fill(page, password, `${password}x`);
  await shown(page, "Les deux mots de passe sont différents.");
  const focused = () => page.evaluate("document.activeElement.id");
  const described = page.getByRole("textbox", { name: "Mot de passe", exact: true });
  assert.equal(await focused(), "password", "the keyboard goes on where it is wrong");
  assert.equal(await described.getAttribute("aria-invalid"), "true");
  assert.equal(await described.getAttribute("aria-describedby"), "said");
  await fill(page, "password", "password");
  await shown(page, "Il manque une majuscule au mot de passe.");
  await shown(page, "Il manque un chiffre au mot de passe.");
  await fill(page, password, password);
  await shown(page, "Votre mot de passe est changé.");
  assert.equal(new URL(page.url()).hash, "", "the token left the address bar");
  assert.equal(await focused(), "said", "the form is gone, and what was said has the focus");
  const login = await api.request("/api/v1/auth/login", {
    via: loopback,
    tenant: "acme",
    body: { email: acme.email, password },
  });
  assert.equal(login.status, 200, login.text);
  await page.goto("about:blank");
  await page.goto(link);
  await shown(page, "Ce lien n’est plus valable");
  assert.deepEqual(given.complaints, []);
  assert.ok(given.requests.every((request) => !/favicon/.test(request)), given.requests.join("\n"));
});

Deno.test("pages: Chromium registers by the link of the mail, and accepts an invitation with a key made for it", async () => {
  await using given = await browsed("en-US");
  const { api, page } = given;
  const acme = await adminOf(api, "acme");
  await api.db.owner`update tenants set registration = 'open' where slug = 'acme'`;
  await api.request("/api/v1/auth/register", {
    via: loopback,
    tenant: "acme",
    body: { email: "ada@acme.example", password },
  });
  await page.goto(await linkIn(api, "registration"));
  assert.equal((await api.db.owner`select from users where email = 'ada@acme.example'`).length, 0);
  await page.locator("#button").click();
  await shown(page, "Thank you, your address is confirmed.");
  assert.equal((await api.db.owner`select from users where email = 'ada@acme.example'`).length, 1);

  const invited = await api.request("/api/v1/users/invitations", {
    token: acme.token,
    body: { email: "bob@acme.example", enrolment: false },
  });
  assert.equal(invited.status, 201, invited.text);
  await page.goto("about:blank");
  await page.goto(await linkIn(api, "invitation"));
  await page.locator("#name").fill("<img src=x onerror=alert(1)>");
  await page.locator("#own").check();
  await page.locator("#public_key").fill("no key at all");
  await fill(page, password, password);
  await shown(page, "The public key is none, or is in use.");
  const { publicKey } = await generateKeyPair();
  await peerOf(api, acme, { public_key: publicKey });
  await page.locator("#public_key").fill(publicKey);
  await page.locator("#button").click();
  await shown(page, "The public key is none, or is in use.");
  await page.locator("#public_key").fill("q0Yq1c1d3S0k5mZ8WvJxQm0N9nQmXkXo0m2VxY1b2kE=");
  await page.locator("#button").click();
  await shown(page, "Your account is made.");
  await page.locator("#config").waitFor();
  const said = await page.locator("main").innerText();
  assert.match(said, /First put your private key into the file/);
  assert.doesNotMatch(said, /scan/i, "no code holds a file that lacks its key");
  const config = await page.locator("#config").inputValue();
  assert.match(config, /\[Interface\][^]*Address = 10\.10\.0\.\d+/);
  const download = page.waitForEvent("download");
  await page.locator("#save").click();
  assert.equal((await download).suggestedFilename(), "massacorp.conf");
  const [bob] = await api.db.owner`
    select u.name, p.public_key from users u join wg_peers p on p.user_id = u.id
    where u.email = 'bob@acme.example'`;
  assert.deepEqual({ ...bob }, {
    name: "<img src=x onerror=alert(1)>",
    public_key: "q0Yq1c1d3S0k5mZ8WvJxQm0N9nQmXkXo0m2VxY1b2kE=",
  });
  assert.deepEqual(given.complaints, []);
});

Deno.test("pages: Chromium says what holds a link up, sends a form once, and shows every word in light and in the dark", async () => {
  await using given = await browsed("en-US");
  const { page, url } = given;
  const open = async (path: string) => {
    await page.goto("about:blank");
    await page.goto(`${url}${path}`);
  };
  for (const link of ["/verify", "/verify#tenant=1", "/verify#token=x"]) {
    await open(link);
    await shown(page, "This link is no longer good");
    assert.equal(await page.locator("#form").isVisible(), false, link);
  }
  await open("/verify#tenant=1&token=x");
  const operation = "**/api/v1/auth/verify-email";
  const answers: [status: number | null, text: string][] = [
    [500, "That did not work."],
    [429, "Too many attempts."],
    [null, "That did not work."],
    [403, "This does not work through this tunnel."],
    [422, "Something in the form is wrong."],
  ];
  for (const [status, text] of answers) {
    const json = status === 422 ? { errors: [{ path: "token", code: "format" }] } : {};
    await page.route(
      operation,
      (route) => status === null ? route.abort() : route.fulfill({ status, json }),
      { times: 1 },
    );
    await page.locator("#button").click();
    await shown(page, text);
    assert.equal(await page.locator("[data-say]:visible").count(), 1, text);
  }
  await page.route(operation, (route) => route.fulfill({ status: 404, json: {} }), { times: 1 });
  await page.locator("#button").click();
  await shown(page, "This link is no longer good");
  assert.equal(await page.locator("#form").isVisible(), false, "used since it was opened");

  await open("/verify#tenant=1&token=x");
  const held = Promise.withResolvers<void>();
  let sent = 0;
  await page.route(operation, async (route) => {
    sent++;
    await held.promise;
    await route.fulfill({ status: 200, json: {} });
  });
  for (let n = 0; n < 3; n++) await page.locator("#button").click();
  held.resolve();
  await shown(page, "Thank you, your address is confirmed.");
  assert.equal(sent, 1);

  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await open("/accept#tenant=1&token=x");
    assert.deepEqual(await faintTexts(page), [], colorScheme);
  }
});

Deno.test("languageOf: the browser's first choice of the two, by weight, and never one that it refuses", () => {
  const asked: [header: string | undefined, locale: string][] = [
    ...[[undefined, "en"], ["", "en"], ["de", "en"], ["fr", "fr"], ["FR-ca", "fr"]] as const,
    ...[["en, fr", "en"], ["fr, en", "fr"], ["en;q=0.2, fr;q=0.8", "fr"]] as const,
    ...[["fr;q=0", "en"], ["fr;q=none", "en"], ["de, fr;q=0.1", "fr"]] as const,
    [`${"de,".repeat(20)}fr`, "en"],
  ].map(([header, locale]) => [header, locale ?? ""]);
  for (const [header, locale] of asked) assert.equal(languageOf(header), locale, header);
});
