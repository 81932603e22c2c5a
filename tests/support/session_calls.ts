import { loopback, type RequestOptions, type TestApi } from "./api.ts";
import { until } from "./until.ts";

export const refresh = (api: TestApi, token: string, more: RequestOptions = {}) =>
  api.request("/api/v1/auth/refresh", { via: loopback, body: { refresh_token: token }, ...more });
export const me = (api: TestApi, token: string) =>
  api.request("/api/v1/auth/me", { via: loopback, token });

/** Waits until so many connections wait for a lock that the test holds. */
export const waitersOnLocks = (api: TestApi, count: number) =>
  until(`${count} wait for a lock`, async () => {
    const [row] = await api.db.superuser<[{ n: number }]>`
      select count(*)::integer as n from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    return row.n === count;
  });
