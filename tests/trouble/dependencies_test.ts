import assert from "node:assert/strict";
import { accounts, apiProcess, logIn } from "../bench/identity/api_process.ts";
import { redisServer } from "../support/redis.ts";
import { startSmtp } from "../support/smtp.ts";
import { until } from "../support/until.ts";
import { ask, seen, tally, timeUntil } from "./trouble.ts";

Deno.test("trouble: Redis killed: everything is answered, a little later, and never laxer (D4)", async () => {
  await using redis = await redisServer();
  await using api = await apiProcess({ env: { REDIS_URL: redis.url, RATE_LIMIT_LOGIN: "20" } });
  const [admin] = await accounts(api, { slug: "acme", count: 1 });
  assert(admin);
  const { access_token } = await logIn(api, admin);
  const headers = { Authorization: `Bearer ${access_token}` };
  const me = () => ask(`${api.url}/auth/me`, { headers });
  const login = () =>
    ask(`${api.url}/auth/login`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Tenant-ID": "acme" },
      body: JSON.stringify({ email: "nobody@acme.example", password: "wrong" }),
    });
  const some = async () => {
    const answers = [];
    for (let n = 0; n < 20; n++) answers.push(await me());
    return tally(answers);
  };
  const whole = await some();
  assert.deepEqual(whole.answers, { 200: 20 });
  // One of twenty was the admin's: ten more, and half the quota is used up.
  const before = await Promise.all(Array.from({ length: 10 }, login));
  assert(before.every(({ status }) => status === 401), JSON.stringify(tally(before)));
  await redis.stop();
  const killed = await some();
  assert.deepEqual(killed.answers, { 200: 20 });
  assert.equal((await login()).code, "rate_limited", "half the quota, of what was counted before");
  await redis.start();
  const backMs = await timeUntil("Redis counts again", async () => {
    const { body } = await ready(api.port);
    return body.checks?.redis === "ok";
  });
  seen("Redis killed", { whole: whole.slowest, ...killed, backMs });
});

async function ready(port: number) {
  const response = await fetch(`http://127.0.0.1:${port}/ready`);
  return { status: response.status, body: await response.json() };
}

Deno.test("trouble: a mail server that takes connections and says nothing holds up nobody, and the mail leaves once one answers", async () => {
  await using silent = await startSmtp("silent");
  const env = {
    SMTP_URL: `smtp://127.0.0.1:${silent.port}`,
    SMTP_TLS: "off",
    MAIL_FROM: "no-reply@massacorp.example",
  };
  await using api = await apiProcess({ env });
  const [admin] = await accounts(api, { slug: "acme", count: 1 });
  assert(admin);
  const reset = () =>
    ask(`${api.url}/password-reset/request`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Tenant-ID": "acme" },
      body: JSON.stringify({ email: admin.email }),
    });
  const answers = [];
  for (let n = 0; n < 10; n++) answers.push(await reset());
  const told = tally(answers);
  assert.deepEqual(told.answers, { 202: 10 });
  await until("the postman tries", () => silent.connections() > 0);
  const logins = [];
  for (let n = 0; n < 5; n++) {
    const started = performance.now();
    await logIn(api, admin);
    logins.push(Math.round(performance.now() - started));
  }
  await silent.stop();
  await using server = await startSmtp("plain", silent.port);
  const started = performance.now();
  // It was tried and put off meanwhile, by ten seconds and then twice that.
  await until("a mail leaves", () => server.mails.length > 0, { timeoutMs: 90_000 });
  assert(server.mails[0]?.to.includes(admin.email));
  seen("a mail server that hangs", {
    ...told,
    slowestLoginMs: Math.max(...logins),
    firstMailMs: Math.round(performance.now() - started),
  });
});
