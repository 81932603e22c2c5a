import { strToU8, Zip, ZipDeflate } from "fflate";

/**
 * Files as a zip archive, compressed while it is read: at no time does the whole of it lie in memory.
 * @param files names and texts; names must differ
 */
export function zipStream(
  files: Iterable<[name: string, text: string]>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const rest = files[Symbol.iterator]();
  let zip: Zip;
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      zip = new Zip((error, chunk, final) => {
        if (error) return controller.error(error);
        controller.enqueue(new Uint8Array(chunk));
        if (final) controller.close();
      });
    },
    pull() {
      const { done, value } = rest.next();
      if (done) return zip.end();
      const [name, text] = value;
      const entry = new ZipDeflate(name, { level: 6 });
      // The files hold keys: readable for their owner alone, once unpacked (Unix mode in the upper half).
      entry.os = 3;
      entry.attrs = 0o100600 << 16;
      zip.add(entry);
      entry.push(strToU8(text), true);
    },
  });
}
