import assert from "node:assert/strict";
import { svgToPbm } from "../../../deploy/demo/qr_picture.ts";
import { qrPng, qrSvg } from "./qr_code.ts";

/** What a scanner that is not ours reads from a picture. */
async function scan(picture: Uint8Array): Promise<Uint8Array> {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeFile(file, picture);
    const { code, stdout } = await new Deno.Command("zbarimg", {
      args: ["--nodbus", "-q", "--raw", "-Sbinary", file],
    }).output();
    assert.equal(code, 0);
    return stdout;
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("qrPng: a scanner reads back the text byte for byte", async () => {
  const key = "j4tuGWkb4fVgP42agHZJ5gvezYbKoUbgv3x8cLi29zs=";
  const config =
    `# MassaCorp: ada-laptop\n[Interface]\nPrivateKey = ${key}\nAddress = 10.10.0.6/32\nDNS = 192.0.2.53\n\n` +
    `[Peer]\nPublicKey = ${key}\nPresharedKey = ${key}\nAllowedIPs = 10.10.0.1/32, 10.10.0.2/32\n` +
    "Endpoint = a-rather-long-name-of-a-gateway.vpn.example.com:51820\nPersistentKeepalive = 25\n";
  for (const text of [config, "x", config.repeat(3)]) {
    assert.equal(new TextDecoder().decode(await scan(qrPng(text))), text);
  }
});

Deno.test("qrPng: the largest code is a bit a pixel, none of which is looked at for a filter", () => {
  const png = qrPng("x".repeat(2331));
  const { 8: depth, 9: colour } = png.subarray(16);
  assert.deepEqual([depth, colour], [1, 0]);
  assert(png.length < 10_000, `${png.length} bytes`);
});

Deno.test("qrSvg: draws on white, as one picture without scripts", () => {
  const svg = qrSvg("text");
  assert.match(svg, /^<svg [^>]*><rect width="100%" height="100%" fill="#fff"\/><path /);
  assert.doesNotMatch(svg, /script|href|text/i);
});

Deno.test("qrSvg: its strokes are the modules of the code that a scanner reads", async () => {
  const text = "[Interface]\nPrivateKey = j4tuGWkb4fVgP42agHZJ5gvezYbKoUbgv3x8cLi29zs=\n";
  const picture = new TextEncoder().encode(svgToPbm(qrSvg(text)));
  assert.equal(new TextDecoder().decode(await scan(picture)), text);
});
