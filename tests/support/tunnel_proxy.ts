/**
 * A reverse proxy as others would put one in front of the API: it stands at the API's place in the tunnel, appends
 * where each request came from, and hands it on to 127.0.0.1.
 *
 * usage: tunnel_proxy.ts ADDRESS PORT
 */
const [hostname = "", port = ""] = Deno.args;
Deno.serve({ hostname, port: Number(port), onListen: () => {} }, (request, { remoteAddr }) => {
  const url = new URL(request.url);
  const headers = new Headers(request.headers);
  headers.append("X-Forwarded-For", remoteAddr.hostname);
  return fetch(`http://127.0.0.1:${port}${url.pathname}${url.search}`, {
    method: request.method,
    headers,
    body: request.body,
  });
});
