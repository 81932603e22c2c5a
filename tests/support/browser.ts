import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { createApp } from "../../api/app.ts";
import { loopback, testApi } from "./api.ts";
import { freePort } from "./free_port.ts";

/** The API on a port of this machine, and a browser in front of it. */
export async function browsed(locale: "en-US" | "fr-FR") {
  await using undo = new AsyncDisposableStack();
  const port = freePort();
  const url = `http://127.0.0.1:${port}`;
  const api = undo.use(
    await testApi({
      inProcess: "a browser speaks to the app in this process",
      env: { PUBLIC_URL: url, PASSWORD_CHECK_HIBP: "off" },
    }),
  );
  const app = createApp(api.deps);
  const requests: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port, onListen() {} }, (request) => {
    requests.push(`${request.method} ${new URL(request.url).pathname}`);
    assert.equal(request.headers.get("referer"), null, request.url);
    return app.fetch(request, loopback);
  });
  undo.defer(() => server.shutdown());
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    timeout: 120_000,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  undo.defer(() => browser.close());
  const context = await browser.newContext({ locale, viewport: { width: 390, height: 844 } });
  // What a page does only has to end, on a machine that is slow and busy as well.
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    // A refusal by the API is shown by the page, and by the browser too.
    if (message.type() === "error" && !/status of 4\d\d/.test(message.text())) {
      complaints.push(message.text());
    }
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  const owned = undo.move();
  return {
    api,
    url,
    page,
    requests,
    complaints,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
