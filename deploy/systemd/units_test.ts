import { deepEqual, equal, ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { run } from "../demo/run.ts";

const unit = (name: string) => fileURLToPath(new URL(`${name}.service`, import.meta.url));

/** What systemd-analyze says of a unit's exposure, from 0 (none) to 10. */
async function exposure(name: string): Promise<number> {
  const said = await run([
    "systemd-analyze",
    "security",
    "--offline=true",
    "--no-pager",
    unit(name),
  ]);
  return Number(/exposure level for \S+: ([\d.]+)/.exec(said)?.[1]);
}

Deno.test("units: systemd's own judgement of their exposure stays low", async () => {
  const highest = {
    "massacorp-api": 2,
    "massacorp-sealer": 2,
    "massacorp-migrate": 2,
    "massacorp-wgd": 3,
    "massacorp-backup": 3,
  };
  for (const [name, bar] of Object.entries(highest)) {
    const level = await exposure(name);
    ok(level > 0 && level < bar, `${name}: ${level}`);
  }
});

Deno.test("units: an API process of several differs from the only one in its port and its sockets alone", async () => {
  const lines = async (name: string) => (await Deno.readTextFile(unit(name))).split("\n");
  const [one, several] = [await lines("massacorp-api"), await lines("massacorp-api@")];
  const own = (from: string[], than: string[]) =>
    from.filter((line) => !than.includes(line)).map((line) => line.split("=")[0]);
  deepEqual(own(one, several), ["Description", "Environment", "ExecStart", "ExecStartPost"]);
  deepEqual(
    own(several, one).filter((line) => !line?.startsWith("#")),
    ["Description", "ExecStart", "ExecStartPost"],
  );
  const started = several.find((line) => line.startsWith("ExecStart="))
    ?.replace(/=\/usr\/bin\/env (?:[A-Z_]+=\S+ )+/, "=");
  equal(started, one.find((line) => line.startsWith("ExecStart=")));
});

Deno.test("units: whatever speaks to the database, massacorpctl too, takes the host's certificates as well as Deno's own", async () => {
  const folder = new URL(".", import.meta.url);
  const names = (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name))
    .filter((name) => name.endsWith(".service"));
  equal(names.length, 6);
  for (const name of [...names, "massacorpctl"]) {
    const text = await Deno.readTextFile(new URL(name, folder));
    ok(/^(Environment=|.* )DENO_TLS_CA_STORE=system,mozilla( |$)/m.test(text), name);
  }
});

Deno.test("units: backups find the programs of PostgreSQL 16 before newer ones, by whatever they are made", async () => {
  for (const name of ["massacorp-backup.service", "massacorpctl", "../../massacorp"]) {
    const text = await Deno.readTextFile(new URL(name, import.meta.url));
    ok(/\bPATH=(\S+:)?\/usr\/lib\/postgresql\/16\/bin:/.test(text), name);
  }
});

Deno.test("units: the daemon alone has a capability, and that one", async () => {
  const names = ["massacorp-api", "massacorp-sealer", "massacorp-migrate", "massacorp-wgd"];
  for (const name of names) {
    const text = await Deno.readTextFile(unit(name));
    const [, bounding] = /^CapabilityBoundingSet=(.*)$/m.exec(text) ?? [];
    equal(bounding, name === "massacorp-wgd" ? "CAP_NET_ADMIN" : "", name);
    ok(/^NoNewPrivileges=yes$/m.test(text), name);
  }
  // Once a night, and only to read.
  const backup = await Deno.readTextFile(unit("massacorp-backup"));
  ok(/^CapabilityBoundingSet=CAP_DAC_READ_SEARCH$/m.test(backup));
});
