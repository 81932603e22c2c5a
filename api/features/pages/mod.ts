import { Hono } from "hono";
import { html, raw } from "hono/html";
import type { AppEnv } from "../../context.ts";
import type { Deps } from "../../deps.ts";
import type { Locale } from "../../mail/mod.ts";
import { limit } from "../../middleware/limit.ts";
import { tunnel } from "../../middleware/tunnel.ts";
import { script, style } from "./assets.ts";
import { languageOf, type PageName, type Words, words } from "./words.ts";

/**
 * The pages that links of mails lead to. They are the same for everybody and know nothing: tenant and token stay
 * in the browser, which sends them to the API when its user says so.
 */
export function pagesFeature(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>({ strict: false });
  const pagePolicy = policy();
  for (const name of ["accept", "verify", "reset"] as const) {
    app.get(
      `/${name}`,
      tunnel(deps),
      (c, next) => limit(deps, "anonymous")(c, next),
      async (c) => {
        const locale = languageOf(c.req.header("accept-language"));
        c.header("Content-Security-Policy", await pagePolicy);
        c.header("Vary", "Accept-Language");
        return c.html(render(name, locale, words[locale]));
      },
    );
  }
  return app;
}

/** One script and one style sheet, named by their hashes: nothing else runs, loads or is sent anywhere. */
async function policy() {
  return [
    "default-src 'none'",
    `script-src ${await hashOf(script)}`,
    `style-src ${await hashOf(style)}`,
    "connect-src 'self'",
    "img-src data:",
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join("; ");
}

async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return `'sha256-${new Uint8Array(digest).toBase64()}'`;
}

function render(name: PageName, locale: Locale, words: Words) {
  const { title, lead, button, done } = words.pages[name];
  return html`
    <!doctype html>
    <html lang="${locale}">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="robots" content="noindex">
        <title>${title}</title>
        <link rel="icon" href="data:,">
        <style>${raw(style)}</style>
      </head>
      <body data-page="${name}">
        <main>
    <h1>${title}</h1>
    <noscript><p>${words.noScript}</p></noscript>
    <div id="said" role="status" tabindex="-1">
    ${Object.entries({
      working: words.working,
      mismatch: words.mismatch,
      invalid: words.invalid,
      throttled: words.throttled,
      refused: words.refused,
      failed: words.failed,
      done,
    }).map(([id, text]) => html`<p id="${id}" data-say hidden>${text}</p>`)}
    <ul id="faults" data-say hidden>
    ${Object.entries(words.faults).map(([code, text]) =>
      html`<li data-fault="${code}" hidden>${text}</li>`
    )}
    </ul>
    </div>
    <form id="form" hidden>
    <p>${lead}</p>
    ${name === "accept" ? nameField(words) : ""}
    ${name === "verify" ? "" : passwordFields(words)}
    ${name === "accept" ? keyFields(words) : ""}
    <button id="button">${button}</button>
    </form>
    ${name === "accept" ? tunnelView(words) : ""}
        </main>
        <script>${raw(script)}</script>
      </body>
    </html>
  `;
}

const nameField = (words: Words) =>
  html`<label for="name">${words.name}</label>
<input id="name" maxlength="200" autocomplete="name">`;

const passwordFields = (words: Words) =>
  html`
    <label for="password">${words.password}</label>
    <input id="password" type="password" required maxlength="1024" autocomplete="new-password"
      aria-describedby="said">
    <label for="repeat">${words.repeat}</label>
    <input id="repeat" type="password" required maxlength="1024" autocomplete="new-password"
      aria-describedby="said">
  `;

const keyFields = (words: Words) =>
  html`
    <fieldset>
      <legend>${words.key}</legend>
      <label><input type="radio" name="key" id="made" checked> ${words.keyMade}</label>
      <label><input type="radio" name="key" id="own"> ${words.keyOwn}</label>
      <div id="public_key_row" hidden>
        <label for="public_key">${words.publicKey}</label>
        <input id="public_key" maxlength="44" autocomplete="off" spellcheck="false"
          aria-describedby="said">
      </div>
    </fieldset>
  `;

const tunnelView = (words: Words) =>
  html`
    <section id="tunnel" hidden>
      <p>${words.tunnel}</p>
      <p id="own_key" hidden>${words.ownKey}</p>
      <div id="scan" hidden>
        <p>${words.scan}</p>
        <img id="qr" alt="${words.qr}">
      </div>
      <textarea id="config" readonly spellcheck="false" aria-label="${words.file}"></textarea>
      <a id="save" class="button" download="massacorp.conf">${words.save}</a>
    </section>
  `;
