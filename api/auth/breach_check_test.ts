import assert from "node:assert/strict";
import { createLogger } from "../../lib/log.ts";
import { loopback, testApi } from "../../tests/support/api.ts";
import { type BreachOutcome, createBreachCheck } from "./breach_check.ts";

/** SHA-1 of `password`: 5BAA6 1E4C9B93F3F0682250B6CF8331B7EE68FD8. */
const suffix = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";

/** A mirror of the range service on this machine. */
function mirror(answer: (request: Request) => Response | Promise<Response>) {
  const requests: { path: string; padding: string | null }[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    requests.push({
      path: new URL(request.url).pathname,
      padding: request.headers.get("add-padding"),
    });
    return answer(request);
  });
  return {
    url: new URL(`http://127.0.0.1:${server.addr.port}/mirror/`),
    requests,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function checkAt(endpoint: URL, timeoutMs = 60_000) {
  const outcomes: BreachOutcome[] = [];
  const lines: string[] = [];
  const breaches = createBreachCheck({
    endpoint,
    timeoutMs,
    log: createLogger({ level: "debug", write: (line) => lines.push(line) }),
    count: (outcome) => outcomes.push(outcome),
  });
  return { ask: breaches.isBreached, outcomes, lines };
}

const range = (...lines: string[]) => new Response(lines.join("\r\n"));

Deno.test("isBreached: five digits of the hash go out, padding is asked for, and its lines count for nothing", async () => {
  let answer = range("0".repeat(35) + ":7", `${suffix}:3730471`, "F".repeat(35) + ":0");
  await using server = mirror(() => answer);
  const { ask, outcomes, lines } = checkAt(server.url);
  assert.equal(await ask("password"), true);
  assert.deepEqual(server.requests, [{ path: "/mirror/range/5BAA6", padding: "true" }]);
  answer = range(`${suffix}:0`, "0".repeat(35) + ":7");
  assert.equal(await ask("password"), false, "a padded line");
  answer = range(suffix.toLowerCase() + ":1");
  assert.equal(await ask("password"), true);
  answer = range("");
  assert.equal(await ask("password"), false, "a mirror that knows none");
  assert.deepEqual(outcomes, ["found", "clean", "found", "clean"]);
  assert.deepEqual(lines, []);
});

Deno.test("isBreached: a service that is broken, hangs or is away lets the password through, counted and logged", async (t) => {
  const hung = Promise.withResolvers<Response>();
  const answers: Record<string, () => Response | Promise<Response>> = {
    "an error": () => new Response("no", { status: 500 }),
    "another place": () => Response.redirect("http://127.0.0.1:1/", 302),
    "another kind of answer": () => new Response("<html>", { headers: {} }),
    "an answer without an end": () =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(65536).fill(10)),
        }),
      ),
    "a hang": () => hung.promise,
  };
  await using server = mirror((request) => {
    const name = decodeURIComponent(new URL(request.url).pathname.split("/")[1] ?? "");
    return answers[name]?.() ?? new Response(null, { status: 404 });
  });
  const away = new URL("http://127.0.0.1:1/");
  const cases = [
    ...Object.keys(answers).map((name) => [name, new URL(`/${name}/`, server.url)] as const),
    ["nobody", away] as const,
  ];
  for (const [name, url] of cases) {
    await t.step(name, async () => {
      const { ask, outcomes, lines } = checkAt(url, name === "a hang" ? 200 : 60_000);
      assert.equal(await ask("password"), false);
      assert.deepEqual(outcomes, ["failed"]);
      assert.equal(lines.length, 1);
      assert.match(lines[0] ?? "", /"level":"warn"/);
      // Twenty bits of a password's hash are no line of a log (A6).
      assert(!lines[0]?.includes("5BAA6"));
    });
  }
  hung.resolve(new Response(""));
});

Deno.test("check: with the question on, a breached password is refused with its field, and the metrics count", async () => {
  const digest = async (text: string) =>
    new Uint8Array(await crypto.subtle.digest("SHA-1", new TextEncoder().encode(text)))
      .toHex().toUpperCase();
  const known = await digest("x9K#mQ2$vLp8");
  await using server = mirror(() => range(`${known.slice(5)}:3`));
  await using api = await testApi({
    inProcess: "counts what one process did",
    env: { PASSWORD_CHECK_HIBP: "on", PASSWORD_CHECK_HIBP_URL: server.url.href },
  });
  const rules = { policy: "composition" as const, words: [] };
  const about = { path: "password", personal: [] };
  await assert.rejects(api.deps.passwords.check(rules, "x9K#mQ2$vLp8", about), {
    code: "invalid_input",
    errors: [{
      path: "password",
      code: "breached",
      message: "is known from a breach of another service",
    }],
  });
  await api.deps.passwords.check(rules, "y9K#mQ2$vLp8", about);
  const { text } = await api.request("/metrics");
  assert.match(text, /^massacorp_api_breach_checks_total\{outcome="found"\} 1$/m);
  assert.match(text, /^massacorp_api_breach_checks_total\{outcome="clean"\} 1$/m);
  assert.equal((await api.request("/metrics", { via: loopback })).status, 404);
});
