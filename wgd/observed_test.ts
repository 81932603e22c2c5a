import assert from "node:assert/strict";
import fc from "fast-check";
import "../tests/support/fixed_seed.ts";
import { DumpError, parseDump, parseHandshakes, parseSome } from "./observed.ts";

const gateway = "dB5wyxXMvaOqgZYBTBYk4vCnNSP0qJpywmDT+ZeuXyU=";
const privateKey = "4Kqi4VYGRQ8aCVPpbi1jHHuzDGoqk9Vi0l0QUfDtY0U=";
const peer = "3rS77DUg+uqEQgOO4kV4qupB2tLEaj4zkSzA6+2e628=";
const psk = "xEF+wzPadp9JI3Xqqc5Mrzl3ufpin5UmDWj8wJAyslE=";
const head = `${privateKey}\t${gateway}\t51820\toff\n`;
const line = `${peer}\t${psk}\t192.0.2.2:49730\t10.10.0.6/32\t1795231252\t564\t476\toff\n`;

Deno.test("parseDump: reads what wg prints", () => {
  const dump = parseDump(head + line);
  assert.equal(dump.publicKey, gateway);
  assert.equal(dump.listenPort, 51820);
  const { presharedKey, ...rest } = dump.peers.get(peer) ?? assert.fail("no peer");
  assert.equal(presharedKey?.reveal(), psk);
  assert.deepEqual(rest, {
    publicKey: peer,
    endpoint: "192.0.2.2:49730",
    allowedIps: ["10.10.0.6/32"],
    latestHandshake: 1795231252,
    receivedBytes: 564,
    sentBytes: 476,
    persistentKeepalive: null,
  });
});

Deno.test("parseDump: an interface without key, peer without anything, IPv6", () => {
  const dump = parseDump(
    `(none)\t(none)\t0\t0x1\n` +
      `${peer}\t(none)\t[fe80::1%eth0]:1\t10.0.0.6/32,fd00::6/128\t0\t18446744073709551615\t0\t25\n` +
      `${gateway}\t(none)\t(none)\t(none)\t0\t0\t0\toff\n`,
  );
  assert.equal(dump.publicKey, null);
  assert.deepEqual(dump.peers.get(peer)?.allowedIps, ["10.0.0.6/32", "fd00::6/128"]);
  assert.equal(dump.peers.get(peer)?.persistentKeepalive, 25);
  assert.deepEqual(dump.peers.get(gateway)?.allowedIps, []);
});

Deno.test("T6: parseDump keeps no private key, and prints no preshared key", () => {
  const dump = parseDump(head + line);
  const printed = Deno.inspect(dump, { depth: 9 }) + JSON.stringify([...dump.peers]);
  assert.ok(!printed.includes(privateKey) && !printed.includes(psk));
});

Deno.test("parseDump: the mark of its own packets is told, and is a difference", () => {
  const off = parseDump(head + line);
  const marked = parseDump(`${privateKey}\t${gateway}\t51820\t0x2a\n${line}`, off);
  assert.deepEqual([off.fwmark, marked.fwmark], [null, 42]);
  assert.notEqual(marked.settings, off.settings);
  assert.equal(parseDump(`${privateKey}\t${gateway}\t51820\t0x2a\n${line}`, marked), marked);
});

const malformed: Record<string, string> = {
  "nothing at all": "",
  "an empty line": "\n",
  "output cut inside a line (T7)": (head + line).slice(0, -20),
  "output cut at the end of the last line (T7)": (head + line).slice(0, -1),
  "a header with too few fields": `${privateKey}\t${gateway}\t51820\n`,
  "a header with too many fields": head.replace("\n", "\tx\n"),
  "a public key that is none": head.replace(gateway, "x"),
  "a public key with loose last bits": head.replace("yU=", "yV="),
  "a port beyond 65535": head.replace("51820", "65536"),
  "a mark that is no number": head.replace("off", "0xzz"),
  "a negative port": head.replace("51820", "-1"),
  "a peer without key": head + line.replace(peer, "(none)"),
  "a peer twice": head + line + line,
  "a preshared key that is none": head + line.replace(psk, "psk"),
  "an endpoint with a blank": head + line.replace("192.0.2.2:", "192.0.2.2 :"),
  "an allowed IP without prefix": head + line.replace("/32", ""),
  "an empty allowed IP": head + line.replace("10.10.0.6/32", "10.10.0.6/32,"),
  "a handshake that is no number": head + line.replace("1795231252", "now"),
  "a number in hex": head + line.replace("\t564\t", "\t0x10\t"),
  "a keepalive beyond 16 bit": head + line.replace("off\n", "65536\n"),
  "a carriage return": (head + line).replaceAll("\n", "\r\n"),
  "an empty line between": head + "\n" + line,
};
for (const [name, text] of Object.entries(malformed)) {
  Deno.test(`parseDump: refuses ${name}`, () => assert.throws(() => parseDump(text), DumpError));
}

/** Pieces that look right, so that hostile text gets past the first check. */
const token = fc.oneof(
  fc.constantFrom(gateway, privateKey, peer, psk, "(none)", "off", "0", "51820", "10.10.0.6/32"),
  fc.constantFrom("192.0.2.2:1", "[::1]:1", "\t", "\n", "\r", "\0", ",", "/", "%", "\u2028"),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.nat().map(String),
);
const hostile = fc.array(token, { maxLength: 40 }).chain((tokens) =>
  fc.constantFrom("\t", "\n", "").map((glue) => tokens.join(glue))
);

Deno.test("parseDump: hostile text throws a DumpError that quotes none of it, or parses", () => {
  fc.assert(
    fc.property(fc.oneof(hostile, hostile.map((text) => head + text + "\n")), (text) => {
      try {
        for (const found of parseDump(text).peers.values()) {
          assert.match(found.publicKey, /^[A-Za-z0-9+/]{43}=$/);
        }
      } catch (error) {
        if (!(error instanceof DumpError)) throw error;
        assert.match(error.message, /^line \d+ of the dump: [a-zA-Z0-9 ]+$/);
      }
    }),
    { numRuns: 3000 },
  );
});

Deno.test("parseDump: one damaged character never loses a peer silently", () => {
  const text = head + line + line.replace(peer, gateway);
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.string({ maxLength: 2 }), (at, piece) => {
      const damaged = text.slice(0, at) + piece + text.slice(at + 1);
      try {
        assert.equal(parseDump(damaged).peers.size, 2);
      } catch (error) {
        if (!(error instanceof DumpError)) throw error;
      }
    }),
    { numRuns: 3000 },
  );
});

const anyKey = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) =>
  btoa(
    String.fromCharCode(...bytes),
  )
);
const anyLine = fc.record({
  publicKey: anyKey,
  presharedKey: fc.option(anyKey),
  endpoint: fc.option(fc.oneof(
    fc.tuple(fc.ipV4(), fc.nat(65535)).map(([host, port]) => `${host}:${port}`),
    fc.tuple(fc.ipV6(), fc.nat(65535)).map(([host, port]) => `[${host}]:${port}`),
  )),
  allowedIps: fc.array(
    fc.oneof(
      fc.tuple(fc.ipV4(), fc.nat(32)).map(([host, bits]) => `${host}/${bits}`),
      fc.tuple(fc.ipV6(), fc.nat(128)).map(([host, bits]) => `${host}/${bits}`),
    ),
    { maxLength: 4 },
  ),
  latestHandshake: fc.nat(),
  receivedBytes: fc.maxSafeNat(),
  sentBytes: fc.maxSafeNat(),
  persistentKeepalive: fc.option(fc.integer({ min: 1, max: 65535 })),
}, { noNullPrototype: true });
type AnyLine = typeof anyLine extends fc.Arbitrary<infer T> ? T : never;
const anyPeers = fc.uniqueArray(anyLine, { selector: (peer) => peer.publicKey, maxLength: 8 });
const columns = (peer: AnyLine) => [
  peer.publicKey,
  peer.presharedKey ?? "(none)",
  peer.endpoint ?? "(none)",
  peer.allowedIps.join() || "(none)",
  ...[peer.latestHandshake, peer.receivedBytes, peer.sentBytes].map(String),
  String(peer.persistentKeepalive ?? "off"),
];
const dumpOf = (peers: AnyLine[]) =>
  head + peers.map((peer) => `${columns(peer).join("\t")}\n`).join("");

Deno.test("parseDump: any dump that wg could print is read as it was meant, whole or in part", () => {
  fc.assert(
    fc.property(anyPeers, fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7]), (peers, some) => {
      const text = dumpOf(peers);
      const found = parseDump(text);
      const read = [...found.peers.values()].map(({ presharedKey, ...rest }) => ({
        ...rest,
        presharedKey: presharedKey?.reveal() ?? null,
      }));
      assert.deepEqual(read, peers);
      const publicKeys = some.flatMap((at) => peers[at]?.publicKey ?? []);
      const before = parseDump(head);
      const part = parseSome(text, { publicKeys, before });
      assert.deepEqual(
        new Map(part.peers),
        new Map(publicKeys.map((key) => [key, found.peers.get(key)])),
      );
    }),
    { numRuns: 500 },
  );
});

Deno.test("parseDump: a column too few or too many is refused in any line", () => {
  const shift = fc.constantFrom("drop", "double", "split");
  fc.assert(
    fc.property(anyLine, fc.nat(7), shift, fc.boolean(), (peer, at, how, isLast) => {
      const fields = columns(peer);
      if (how === "drop") fields.splice(at, 1);
      else if (how === "double") fields.splice(at, 0, fields[at] ?? "");
      else fields.splice(at, 1, "", fields[at] ?? "");
      const damaged = `${fields.join("\t")}\n`;
      const text = isLast ? head + line + damaged : head + damaged + line;
      assert.throws(() => parseDump(text), DumpError);
    }),
    { numRuns: 500 },
  );
});

Deno.test("parseSome: hostile text throws a DumpError that quotes none of it, or parses", () => {
  const before = parseDump(head + line);
  fc.assert(
    fc.property(
      fc.oneof(hostile, hostile.map((text) => `${head}${text}\n`)),
      fc.subarray([peer, gateway, psk, "", "\t", "\n", "\0"]),
      (text, publicKeys) => {
        try {
          parseSome(text, { publicKeys, before });
        } catch (error) {
          if (!(error instanceof DumpError)) throw error;
          assert.match(error.message, /^line \d+ of the dump: [a-zA-Z0-9 ]+$/);
        }
      },
    ),
    { numRuns: 3000 },
  );
});

Deno.test("parseDump: lines and texts of megabytes are refused at once, with few words", () => {
  const much = 4 * 1024 * 1024;
  const huge = [
    head + "\t".repeat(much) + "\n",
    head + "A".repeat(much) + "\n",
    head + "\0".repeat(much) + "\n",
    head + "\n".repeat(much),
    "\t".repeat(much),
    head + line.replace("10.10.0.6/32", "10.10.0.6/32,".repeat(much / 13)),
    head + line.replace("192.0.2.2", "1".repeat(much)),
    head + line.replace("\t564\t", `\t${"5".repeat(much)}\t`),
  ];
  const started = performance.now();
  for (const text of huge) {
    assert.throws(
      () => parseDump(text),
      (error) => error instanceof DumpError && error.message.length < 100,
    );
  }
  // A pattern that backtracks would take hours.
  assert.ok(performance.now() - started < 60_000);
});

Deno.test("parseDump: with an earlier reading it answers the same, and knows whether a setting changed", () => {
  const other = line.replace(peer, gateway);
  const before = parseDump(head + line + other);
  const cases: [text: string, sameSettings: boolean][] = [
    // wireguard-go prints its peers in any order.
    [head + other + line, true],
    [head + other + line.replace("\t564\t", "\t565\t"), true],
    [head + line + other.replace("192.0.2.2:", "192.0.2.3:"), true],
    [head + other + line.replace("/32", "/31"), false],
    [head + other + line.replace(psk, "(none)"), false],
    [head + other + line.replace("off", "25"), false],
    [head + line, false],
    [head.replace("51820", "51821") + line + other, false],
    [head.replace(gateway, peer) + line + other, false],
    [head + line + other + line.replace(peer, psk), false],
    [head + line + line.replace(peer, psk), false],
  ];
  for (const [text, sameSettings] of cases) {
    const after = parseDump(text, before);
    assert.deepEqual(after.peers, parseDump(text).peers);
    assert.equal(after.settings === before.settings, sameSettings, text);
    assert.equal(after.peers.get(peer) === before.peers.get(peer), text.includes(line));
  }
  assert.throws(() => parseDump(head + line + line, before), DumpError);
});

Deno.test("parseSome: answers what stands there of the named peers, and keeps the others", () => {
  const other = line.replace(peer, gateway);
  const before = parseDump(head + line + other);
  const changed = line.replace("/32", "/31");
  const only = (text: string, publicKeys: string[]) => parseSome(text, { publicKeys, before });
  for (const text of [head + changed + other, head + other]) {
    assert.deepEqual(new Map(only(text, [peer]).peers), parseDump(text).peers);
  }
  assert.deepEqual(new Map(only(head + other, [gateway]).peers), before.peers);
  // A key that stands elsewhere in a line is not the peer.
  assert.equal(only(head + other, [psk]).peers.has(psk), false);
  assert.throws(() => only((head + line).slice(0, -1), [peer]), DumpError);
  assert.throws(() => only(head + line.replace("/32", ""), [peer]), DumpError);
});

Deno.test("parseHandshakes: who shook hands, and nothing of anything else", () => {
  const text = `${peer}\t1795231252\n${gateway}\t0\n`;
  assert.deepEqual(parseHandshakes(text), new Set([peer]));
  assert.deepEqual(parseHandshakes(""), new Set());
  for (
    const hostile of [
      ...[text.slice(0, -1), `${peer}\n`, `${peer}\t1\t2\n`, `${peer}\t-1\n`, `x\t1\n`, "\n"],
      ...[`${peer}\t1e3\n`, `\t1\n`, `${peer} 1\n`],
    ]
  ) assert.throws(() => parseHandshakes(hostile), DumpError, JSON.stringify(hostile));
  fc.assert(fc.property(fc.string(), (noise) => {
    try {
      assert.equal(parseHandshakes(noise).size, 0);
    } catch (error) {
      assert(error instanceof DumpError);
    }
  }));
});
