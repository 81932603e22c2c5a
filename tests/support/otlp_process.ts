/** A collector for tests: prints what is sent to it by OTLP/HTTP, a line a request, as JSON. */
const server = Deno.serve(
  { hostname: "127.0.0.1", port: Number(Deno.args[0]), onListen: ({ port }) => say({ port }) },
  async (request) => {
    const { pathname } = new URL(request.url);
    say({ pathname, headers: [...request.headers], body: await request.text() });
    return Response.json({});
  },
);

function say(event: unknown): void {
  const line = new TextEncoder().encode(`${JSON.stringify(event)}\n`);
  for (let at = 0; at < line.length;) at += Deno.stdout.writeSync(line.subarray(at));
}

await server.finished;
