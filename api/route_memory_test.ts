import assert from "node:assert/strict";
import { Hono } from "hono";
import { RouteMemory } from "./route_memory.ts";

/** Two routers that have to agree, of which one is asked twice. */
function apps() {
  const build = (app: Hono) => {
    app.use(async (c, next) => {
      await next();
      c.res.headers.set("x-seen", c.req.path);
    });
    app.use("/things/*", async (c, next) => {
      await next();
      c.res.headers.set("x-things", c.req.routeIndex.toString());
    });
    app.get("/things", (c) => c.text("list"));
    app.post("/things", (c) => c.text("made"));
    app.get("/things/me", (c) => c.text("mine"));
    app.get("/things/:id", (c) => c.text(`one ${c.req.param("id")}`));
    app.get("/things/:id/parts/:part", (c) => c.text(JSON.stringify(c.req.param())));
    app.get("/:kind/first", (c) => c.text(`first ${c.req.param("kind")}`));
    return app;
  };
  const remembering = build(new Hono({ router: new RouteMemory(), strict: false }));
  return { remembering, plain: build(new Hono({ strict: false })) };
}

Deno.test("RouteMemory: answers as the library's router does, the first time and the second", async () => {
  const { remembering, plain } = apps();
  const ask = async (app: Hono, method: string, path: string) => {
    const reply = await app.request(path, { method });
    return [reply.status, [...reply.headers], await reply.text()];
  };
  const paths = [
    "/things",
    "/things/",
    "/things/me",
    "/things/7",
    "/things/7/parts/9",
    "/things/first",
  ];
  for (const path of [...paths, "/other/first", "/none", "/things/me/parts/x"]) {
    for (const method of ["GET", "POST", "HEAD", "DELETE", "BREW"]) {
      const expected = await ask(plain, method, path);
      for (let turn = 0; turn < 2; turn++) {
        assert.deepEqual(await ask(remembering, method, path), expected, `${method} ${path}`);
      }
    }
  }
});

Deno.test("RouteMemory: remembers what is a route as it stands, and nothing that a caller can make up", () => {
  const memory = new RouteMemory<string>();
  memory.add("ALL", "/*", "all");
  memory.add("GET", "/things", "list");
  memory.add("GET", "/things/:id", "one");
  const [first, second] = [0, 1].map(() => memory.match("GET", "/things"));
  assert.equal(first, second);
  for (
    const [method, path] of [["GET", "/things/7"], ["GET", "/none"], ["BREW", "/things"]] as const
  ) {
    assert.notEqual(memory.match(method, path), memory.match(method, path), path);
  }
});
