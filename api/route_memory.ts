import type { Result, Router } from "hono/router";
import { RegExpRouter } from "hono/router/reg-exp-router";
import { SmartRouter } from "hono/router/smart-router";
import { TrieRouter } from "hono/router/trie-router";

/**
 * The library's own choice of routers, and what it found for each path that is a route as it stands. Some of our routes
 * are more than its fast router can tell apart, and the other one walks the tree of all routes with every request.
 * Paths with something of the caller's in them are looked up each time: there is no end to them.
 */
export class RouteMemory<T> implements Router<T> {
  readonly #router = new SmartRouter<T>({ routers: [new RegExpRouter(), new TrieRouter()] });
  readonly #plain = new Set<string>();
  readonly #found = new Map<string, Map<string, Result<T>>>();

  get name(): string {
    return `RouteMemory + ${this.#router.name}`;
  }

  add(method: string, path: string, handler: T): void {
    if (!/[:*]/.test(path)) this.#plain.add(path);
    this.#router.add(method, path, handler);
  }

  match(method: string, path: string): Result<T> {
    const known = this.#found.get(path)?.get(method);
    if (known) return known;
    const result = this.#router.match(method, path);
    // A method that nobody has heard of is the caller's as well.
    if (this.#plain.has(path) && methods.has(method)) {
      const ofPath = this.#found.get(path) ?? new Map<string, Result<T>>();
      this.#found.set(path, ofPath.set(method, result));
    }
    return result;
  }
}

const methods = new Set(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
