import { equal } from "node:assert/strict";
import { parseRoute } from "./endpoint.ts";

Deno.test("parseRoute: the source address of the route", () => {
  const text =
    `[{"dst":"198.51.100.1","gateway":"192.0.2.1","dev":"eth0","prefsrc":"192.0.2.7","flags":[]}]`;
  equal(parseRoute(text), "192.0.2.7");
});

Deno.test("parseRoute: nothing for what is no IPv4 route", () => {
  for (const text of ["", "[]", `[{"prefsrc":"2001:db8::1"}]`, `[{"prefsrc":"$(reboot)"}]`]) {
    equal(parseRoute(text), undefined);
  }
});
