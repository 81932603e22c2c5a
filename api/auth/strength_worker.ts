/// <reference lib="deno.worker" />
import { ZxcvbnFactory } from "@zxcvbn-ts/core";
import { adjacencyGraphs, dictionary as common } from "@zxcvbn-ts/language-common";
import { dictionary as en } from "@zxcvbn-ts/language-en";
import { dictionary as fr } from "@zxcvbn-ts/language-fr";

/**
 * What is looked at of a password at once. The time that matching takes grows with more than its square, and a part of a password is no
 * harder to guess than the whole.
 */
const looked = 48;

// In a thread of its own, because one look may take some tenths of a second, and the words take memory. The
// likeliest words alone: the rest of the lists triples both, and hardly moves what an attacker needs.
const judge = new ZxcvbnFactory({
  dictionary: {
    passwords: common["passwords-common"],
    words: en["commonWords-en"].slice(0, 10_000),
    firstNames: en["firstnames-en"].slice(0, 3_000),
    lastNames: en["lastnames-en"].slice(0, 5_000),
    frenchWords: fr["commonWords-fr"].slice(0, 10_000),
    frenchFirstNames: fr["firstnames-fr"].slice(0, 3_000),
    frenchLastNames: fr["lastnames-fr"],
  },
  graphs: adjacencyGraphs,
  maxLength: looked,
  l33tMaxSubstitutions: 20,
});

self.onmessage = ({ data }: MessageEvent<{ password: string; words: string[] }>) => {
  const { password, words } = data;
  const parts = [password.slice(0, looked), password.slice(-looked)];
  const judged = [...new Set(parts)].map((part) => judge.check(part, words));
  const [only, ...more] = judged.length === 1 ? judged[0]?.sequence ?? [] : [];
  self.postMessage({
    guessesLog10: Math.max(...judged.map((result) => result.guessesLog10)),
    // The whole of it, however capitalised, reversed or dressed up with digits, stands in a list.
    listed: only?.pattern === "dictionary" && more.length === 0,
  });
};
