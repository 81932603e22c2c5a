import assert from "node:assert/strict";
import { testApi } from "../../tests/support/api.ts";
import { until } from "../../tests/support/until.ts";
import { createApp } from "../app.ts";
import { mostAtOnce } from "./shed.ts";

Deno.test("shed: of 1,100 requests at once 100 are refused at once, the operator is not, and then all is as before", async () => {
  await using api = await testApi({ gateway: false });
  const held = Promise.withResolvers<{ ready: true; checks: Record<string, "ok"> }>();
  const app = createApp({
    ...api.deps,
    health: { ...api.deps.health, readiness: () => held.promise },
  });
  const ask = async (listener: "loopback" | "operator" = "loopback") => {
    const answer = await app.fetch(new Request("http://api.test/ready"), {
      listener,
      address: listener === "operator" ? null : "127.0.0.1",
    });
    const { code } = await answer.json();
    return `${answer.status} ${code ?? ""} ${answer.headers.get("retry-after") ?? ""}`.trim();
  };
  let refused = 0;
  const all = Array.from({ length: mostAtOnce + 100 }, () =>
    ask().then((answer) => {
      if (answer === "503 overloaded 1") refused++;
      return answer;
    }));
  const operator = ask("operator");
  await until("what is too much is told", () => refused === 100);
  held.resolve({ ready: true, checks: {} });
  assert.equal((await Promise.all(all)).filter((answer) => answer === "200").length, mostAtOnce);
  assert.equal(await operator, "200");
  assert.equal(await ask(), "200");
});
