import { absolute, compare, type Result } from "../measure.ts";
import { accounts, answerOf, apiProcess, logIn } from "./api_process.ts";

const clients = 8;

/**
 * Mixed load for as many minutes: log-in, a few requests, refresh, logout. Tells the API's memory after the first
 * tenth, when all is warm, and at the end.
 */
export async function soak({ minutes }: { minutes: number }): Promise<Result[]> {
  await using api = await apiProcess();
  const who = await accounts(api, { slug: "acme", count: clients });
  const started = performance.now();
  const length = minutes * 60_000;
  let warm: number | undefined;
  let most = 0;
  let journeys = 0;
  await Promise.all(who.map(async (account) => {
    while (performance.now() - started < length) {
      const json = { "Content-Type": "application/json", "X-Tenant-ID": String(account.tenantId) };
      const first = await logIn(api, account);
      const { access_token } = await answerOf(`${api.url}/auth/refresh`, {
        method: "POST",
        headers: json,
        body: JSON.stringify({ refresh_token: first.refresh_token }),
      });
      const bearer = { ...json, Authorization: `Bearer ${access_token}` };
      for (let n = 0; n < 5; n++) {
        for (const path of ["/auth/me", "/users?limit=50", "/sessions", "/wireguard/peers"]) {
          await answerOf(`${api.url}${path}`, { headers: bearer });
        }
      }
      await answerOf(`${api.url}/auth/logout`, { method: "POST", headers: bearer, body: "{}" });
      journeys++;
      const resident = await api.resident();
      if (performance.now() - started > length / 10) warm ??= resident;
      most = Math.max(most, resident);
    }
  }));
  const name = `the API's memory over ${minutes} minutes and ${journeys} log-ins`;
  const mb = (bytes: number) => bytes / 1e6;
  return [
    absolute({ name: `${name}, most`, unit: "MB", value: mb(most), most: 300 }),
    compare({
      name: `${name}, at the end against after a tenth`,
      unit: "MB",
      value: mb(await api.resident()),
      reference: mb(warm ?? most),
      bar: { most: 1.1 },
    }),
  ];
}
