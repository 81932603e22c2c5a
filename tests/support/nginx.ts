import { freePort } from "./free_port.ts";
import { until } from "./until.ts";

/** Debian's nginx, running the committed deploy/nginx/massacorp.conf. */
export interface Nginx extends AsyncDisposable {
  /** What it logged of requests, a line each. */
  accessLog(): Promise<string>;
  errorLog(): Promise<string>;
  /** Reads its configuration anew, as `nginx -s reload` does. */
  reload(): Promise<void>;
}

export interface NginxOptions {
  /** Instead of the tunnel's addresses, `address:port`. */
  listen: readonly string[];
  /** The same with TLS. */
  listenTls?: readonly string[];
  /** Ports of the API processes on loopback. */
  upstreams: readonly number[];
  /** Where its own side asks which process is ready. */
  probePort?: number;
  /** Further changes of the file, each of text that must be there. */
  replace?: Readonly<Record<string, string>>;
  /** Beside the file, in the http context. */
  http?: string;
  workers?: number;
}

const template = new URL("../../deploy/nginx/massacorp.conf", import.meta.url);

/** The committed file as this test needs it. @throws where it no longer has what is to be replaced */
async function adapt(folder: string, options: NginxOptions): Promise<string> {
  let text = await Deno.readTextFile(template);
  const put = (what: string, by: string) => {
    if (!text.includes(what)) throw new Error(`deploy/nginx/massacorp.conf has no ${what}`);
    text = text.replaceAll(what, by);
  };
  const [first, second, third] = text.match(/^ {2}server .*$/gm) ?? [];
  if (!first || !second || !third) {
    throw new Error("deploy/nginx/massacorp.conf has not three servers");
  }
  const servers = options.upstreams.map((port) => first.replace("8000", String(port)));
  put([first, second, third].join("\n"), servers.join("\n"));
  put("  listen 10.10.0.1:8000;\n", "");
  const listens = [
    ...options.listen,
    ...(options.listenTls ?? []).map((address) => `${address} ssl`),
  ];
  put("  listen 10.10.0.2:8000;\n", listens.map((listen) => `  listen ${listen};\n`).join(""));
  if (options.listenTls) {
    await makeCertificate(folder);
    put("  #ssl_", "  ssl_");
    put("/etc/massacorp/tls/", `${folder}/`);
  }
  put("/var/log/nginx/", `${folder}/`);
  put("127.0.0.1:8099", `127.0.0.1:${options.probePort ?? freePort()}`);
  for (const [what, by] of Object.entries(options.replace ?? {})) put(what, by);
  return text;
}

async function makeCertificate(folder: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", {
    args: [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...[
        "-days",
        "1",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
      ],
      ...["-addext", "basicConstraints=critical,CA:FALSE"],
      ...["-keyout", `${folder}/key.pem`, "-out", `${folder}/certificate.pem`],
    ],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** The certificate of a test's nginx, for clients to trust. */
export const certificateOf = (folder: string) => Deno.readTextFile(`${folder}/certificate.pem`);

export async function startNginx(
  options: NginxOptions,
): Promise<Nginx & { folder: string; write(options: NginxOptions): Promise<void> }> {
  const folder = await Deno.makeTempDir({ prefix: "massacorp-nginx-" });
  const path = `${folder}/nginx.conf`;
  const write = async (now: NginxOptions) => {
    const site = await adapt(folder, now);
    const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((name) => `  ${name}_temp_path ${folder}/${name};`).join("\n");
    await Deno.writeTextFile(
      path,
      `worker_processes ${now.workers ?? 1};
daemon off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log info;
${Deno.uid() === 0 ? "user root;\n" : ""}events { worker_connections 4096; }
http {
${temp}
${now.http ?? ""}
${site}
}
`,
    );
  };
  await write(options);
  const child = new Deno.Command("nginx", {
    args: ["-p", folder, "-c", path],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const complaints = new Response(child.stderr).text();
  const [address = ""] = options.listen;
  const [hostname = "", port = ""] = address.split(":");
  const died = child.status.then(async () => {
    throw new Error(`nginx ended: ${await complaints}`);
  });
  const answers = until("nginx listens", async () => {
    (await Deno.connect({ hostname, port: Number(port) })).close();
    return true;
  });
  died.catch(() => {});
  await Promise.race([answers, died]);
  const read = (name: string) => Deno.readTextFile(`${folder}/${name}`).catch(() => "");
  return {
    folder,
    write,
    accessLog: () => read("massacorp.log"),
    errorLog: () => read("error.log"),
    async reload() {
      const workers = async () => (await read("error.log")).split("start worker process").length;
      const before = await workers();
      child.kill("SIGHUP");
      await until("nginx has new workers", async () => await workers() > before);
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
      await complaints;
      await Deno.remove(folder, { recursive: true });
    },
  };
}
