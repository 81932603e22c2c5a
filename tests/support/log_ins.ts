import assert from "node:assert/strict";
import { loopback, type Persona, type RequestOptions, type TestApi, tunnelFrom } from "./api.ts";
import { leadingZeroBits } from "../../api/auth/challenge.ts";

export type Via = RequestOptions["via"] & object;

/** Tries to log in, whatever comes of it. */
export const login = (
  api: TestApi,
  who: { slug?: string; email: string; password: string; proof?: string },
  via: Via = loopback,
) =>
  api.request("/api/v1/auth/login", {
    via,
    tenant: who.slug ?? "acme",
    body: {
      email: who.email,
      password: who.password,
      ...(who.proof === undefined ? {} : { proof: who.proof }),
    },
  });

/** So many log-ins with a wrong password. @returns the codes of the refusals */
export async function failLogIns(api: TestApi, email: string, times: number, via: Via = loopback) {
  const codes = [];
  for (let n = 0; n < times; n++) {
    codes.push((await login(api, { email, password: "wrong" }, via)).body.code);
  }
  return codes;
}

/** By the operator, or by whose token it is. */
export const unlock = (api: TestApi, id: number, token?: string) =>
  api.request(`/api/v1/users/${id}/unlock`, {
    method: "POST",
    ...(token === undefined ? { tenant: "acme" } : { via: loopback, token }),
  });

/** The way in through a peer of the user's own. */
export async function ownPeer(api: TestApi, who: Persona): Promise<Via> {
  const made = await api.request("/api/v1/wireguard/peers", {
    tenant: "acme",
    body: { name: "laptop", user_id: who.userId },
  });
  assert.equal(made.status, 201, made.text);
  return tunnelFrom(made.body.peer.address);
}

/** The proof of work that a challenge asks for. */
export const solveChallenge = (challenge: string, bits: number): Promise<string> =>
  findProof(challenge, (zeros) => zeros >= bits);

/** A proof of work whose hash begins with as many zero bits as wanted. */
export async function findProof(challenge: string, wanted: (zeros: number) => boolean) {
  for (let nonce = 0;; nonce++) {
    const proof = `${challenge}:${nonce}`;
    if (wanted(await leadingZeroBits(proof))) return proof;
  }
}
