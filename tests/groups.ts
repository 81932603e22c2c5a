import { guestUnmet } from "./kernel/guest.ts";

/** A part of the tests that needs the same of its machine. */
export interface Group {
  name: string;
  about: string;
  /**
   * `test` runs test files, `kernel` on a kernel with WireGuard, `balanced` with their APIs behind nginx and `pooled` with
   * pgbouncer behind those; `check` only compiles.
   */
  kind: "test" | "check" | "kernel" | "balanced" | "pooled";
  paths: readonly string[];
  /** Without these the group is skipped. */
  needs: { root?: boolean; programs?: readonly string[] };
  /** Files of it disturb one another in nothing but time, so several run at once. */
  parallel?: true;
  /** They wait for most of their time: half as many again as there are processors run at once. */
  waits?: true;
  /** Runs only where it is named. */
  onDemand?: true;
}

/** How many tests ended how. */
export interface Outcome {
  passed: number;
  failed: number;
  skipped: number;
}

/** What tests of the tunnel call. */
const tunnelPrograms = ["ip", "nft", "wg", "wg-quick", "ping", "setpriv", "unshare", "zbarimg"];

/** And those of faults: small disks, and a clock that is set back. */
const faultPrograms = [...tunnelPrograms, "mount", "umount", "mkfs.ext4", "faketime"];

/** And those of trouble: what stands in front of the API and behind it. */
const troublePrograms = ["mount", "umount", "prlimit", "nginx", "pgbouncer", "redis-server"];

export const groups: readonly Group[] = [
  {
    name: "types",
    about: "what must compile, which is everything, and what must not",
    kind: "check",
    paths: ["."],
    needs: {},
  },
  {
    name: "unit",
    about: "modules, with the real PostgreSQL and Redis where they speak to them",
    kind: "test",
    paths: [
      "lib",
      "db",
      "api",
      "wgd",
      "sealer",
      "deploy",
      "docs",
      "tests/api",
      "tests/circles_test.ts",
      "tests/run_test.ts",
      "tests/support/leaks_test.ts",
      "tests/tasks_test.ts",
      "tests/wrapper_test.ts",
    ],
    needs: { programs: ["zbarimg", "redis-server", "chromium", "systemd-analyze"] },
    parallel: true,
  },
  {
    name: "db",
    about: "roles, policies and constraints of the real PostgreSQL",
    kind: "test",
    paths: ["tests/db"],
    needs: {},
    parallel: true,
  },
  {
    name: "permissions",
    about: "what each process is refused",
    kind: "test",
    paths: ["tests/permissions_test.ts"],
    needs: { programs: ["redis-server"] },
  },
  {
    name: "e2e",
    about: "real interfaces and real packets between network namespaces",
    kind: "test",
    paths: ["tests/e2e"],
    needs: { root: true, programs: [...faultPrograms, "chromium"] },
    parallel: true,
    waits: true,
  },
  {
    name: "faults",
    about: "every fault of docs/faults.md, injected for real",
    kind: "test",
    paths: [
      "tests/e2e/crash_test.ts",
      "tests/e2e/database_cut_test.ts",
      "tests/e2e/model_test.ts",
      "tests/e2e/pool_test.ts",
      "tests/e2e/wgd_clock_test.ts",
      "tests/e2e/wgd_database_test.ts",
      "tests/e2e/wgd_disk_test.ts",
      "tests/e2e/wgd_drift_test.ts",
      "tests/e2e/wgd_faults_test.ts",
      "tests/e2e/wgd_kill_test.ts",
      "tests/e2e/wgd_notify_test.ts",
      "tests/e2e/wgd_snapshot_test.ts",
      "tests/e2e/wgd_socket_test.ts",
      "wgd/observed_test.ts",
      "wgd/snapshot/file_test.ts",
    ],
    needs: { root: true, programs: faultPrograms },
    parallel: true,
    onDemand: true,
  },
  {
    name: "scale",
    about: "three API processes behind nginx, on one PostgreSQL and one Redis",
    kind: "test",
    paths: ["tests/scale"],
    needs: { programs: ["nginx", "pgbouncer", "openssl", "curl", "redis-server"] },
    onDemand: true,
  },
  {
    name: "balanced",
    about: "the contract of the API, through nginx and three processes",
    kind: "balanced",
    paths: ["api", "tests/api"],
    needs: { programs: ["nginx", "redis-server", "zbarimg", "chromium"] },
    parallel: true,
    onDemand: true,
  },
  {
    name: "pooled",
    about: "the same, and its database through pgbouncer in transaction mode",
    kind: "pooled",
    paths: ["api", "tests/api"],
    needs: { programs: ["nginx", "pgbouncer", "redis-server", "zbarimg", "chromium"] },
    parallel: true,
    onDemand: true,
  },
  {
    name: "trouble",
    about: "what docs/reliability.md says a client sees, injected for real",
    kind: "test",
    paths: ["tests/trouble"],
    needs: { root: true, programs: [...tunnelPrograms, ...troublePrograms] },
    // One beside another would be measured with it.
    onDemand: true,
  },
  {
    name: "prometheus",
    about: "alert rules by promtool, and a real Prometheus that scrapes a real stack",
    kind: "test",
    paths: ["tests/prometheus"],
    needs: { root: true, programs: [...tunnelPrograms, "prometheus", "promtool"] },
    onDemand: true,
  },
  {
    name: "kernel",
    about: "the tunnel on the kernel's own WireGuard, in a guest where this kernel has none",
    kind: "kernel",
    paths: [
      // Of two guests each takes every other one: as long as they need, the one and the other.
      "tests/e2e/wgd_faults_test.ts",
      "tests/e2e/wgd_hitless_test.ts",
      "tests/kernel/backend_test.ts",
      "tests/e2e/wgd_drift_test.ts",
      "tests/e2e/wgd_firewall_test.ts",
      "tests/e2e/wgd_apply_test.ts",
      "tests/e2e/wgd_start_test.ts",
    ],
    needs: { root: true, programs: tunnelPrograms },
    onDemand: true,
  },
  {
    name: "backup",
    about: "backup, restore, recovery, and a change of keys under traffic: nothing is lost",
    kind: "test",
    paths: ["tests/backup"],
    needs: { root: true, programs: [...faultPrograms, "pg_createcluster"] },
    onDemand: true,
  },
  {
    name: "compose",
    about: "README's Docker Compose section on an engine of its own, with images by debootstrap",
    kind: "test",
    paths: ["tests/compose"],
    needs: {
      root: true,
      programs: [
        ...tunnelPrograms,
        ...["dockerd", "docker", "docker-compose", "debootstrap", "iptables", "nsenter"],
        "prometheus",
      ],
    },
    onDemand: true,
  },
  {
    name: "systemd",
    about: "README's systemd section on a Debian of its own, with systemd as process 1",
    kind: "test",
    paths: ["tests/systemd"],
    needs: { root: true, programs: [...tunnelPrograms, "debootstrap", "nsenter"] },
    onDemand: true,
  },
];

/** Why this machine cannot run a group, or undefined when it can. */
export async function unmet({ kind, needs }: Group): Promise<string | undefined> {
  if (needs.root && Deno.uid() !== 0) {
    return "needs root, to make network namespaces and WireGuard interfaces";
  }
  const missing: string[] = [];
  for (const program of needs.programs ?? []) {
    const { success } = await new Deno.Command("sh", {
      args: ["-c", 'command -v "$1"', "sh", program],
      stdout: "null",
    }).output();
    if (!success) missing.push(program);
  }
  if (missing.length > 0) return `needs ${missing.join(", ")}`;
  return kind === "kernel" && !(await kernelHasWireGuard()) ? await guestUnmet() : undefined;
}

/** Asked in a network namespace that ends with the question: this machine never sees the interface. */
export async function kernelHasWireGuard(): Promise<boolean> {
  const { success } = await new Deno.Command("unshare", {
    args: ["--net", "ip", "link", "add", "probe", "type", "wireguard"],
    stderr: "null",
  }).output();
  return success;
}
