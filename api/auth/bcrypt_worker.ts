/// <reference lib="deno.worker" />
import { compareSync } from "bcryptjs";

// Compares one password a message. In a thread of its own: a hash of cost 14 computes for more than a second.
self.onmessage = ({ data }: MessageEvent<{ hash: string; password: string }>) => {
  self.postMessage(compareSync(data.password, data.hash));
};
