import assert from "node:assert/strict";
import { ask, connectOperator, everyItem } from "./operator.ts";

Deno.test("connectOperator: in /tmp, believes a socket of its own user alone", async () => {
  const folder = `/tmp/massacorp-test-${crypto.randomUUID()}`;
  await Deno.mkdir(`${folder}/operator`, { recursive: true });
  const path = `${folder}/operator/api.sock`;
  const server = Deno.serve({
    path,
    onListen: () => {},
    handler: (request) => {
      const second = request.url.includes("cursor=2");
      return Response.json(
        second ? { items: ["c"], next_cursor: null } : { items: ["a", "b"], next_cursor: "2" },
      );
    },
  });
  try {
    {
      using api = await connectOperator([`${folder}/none.sock`, path]);
      const items = everyItem((query) =>
        api.GET("/api/v1/wireguard/held-keys", { params: { query } })
      );
      assert.deepEqual(await items, ["a", "b", "c"]);
    }
    if (Deno.uid() === 0) {
      await Deno.chown(folder, 65534, 65534);
      await assert.rejects(connectOperator([path]), /no API listens on/);
    }
  } finally {
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("connectOperator: that an API breaks off is said in words", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/api.sock`;
  const server = Deno.serve({ path, onListen: () => {}, handler: () => new Response("not JSON") });
  try {
    using api = await connectOperator([path]);
    await assert.rejects(ask(api.GET("/api/v1/wireguard/status")), {
      name: "CliError",
      message: /whether it did what it was asked is not known/,
    });
  } finally {
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
});
