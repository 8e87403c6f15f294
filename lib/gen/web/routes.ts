import type { WebContext } from "./context.ts";

/** Answers a request. What it throws is a 500, unless it is a `Response`. */
export type RequestHandler = (
  request: Request,
  context: WebContext,
) => Response | Promise<Response>;

interface Route {
  /** `null` for each. */
  readonly method: string | null;
  readonly segments: readonly string[];
  readonly rest: boolean;
  readonly handler: RequestHandler;
}

/** What a path leads to. */
export type Found =
  | { readonly handler: RequestHandler; readonly params: Readonly<Record<string, string>> }
  /** The path is there, with other methods. */
  | { readonly allow: readonly string[] };

/** The table of routes of a {@linkcode Web}, as `"GET /users/:id"` and `"/files/*"`. */
export class Routes {
  readonly #routes: readonly Route[];

  constructor(table: Readonly<Record<string, RequestHandler>>) {
    this.#routes = Object.keys(table).map((key) => routeOf(key, table[key]));
  }

  /** The first route that fits; GET serves HEAD. `null` where no route has that path. */
  find(method: string, path: string): Found | null {
    const parts = path.split("/").slice(1);
    const allow: Set<string> = new Set();
    for (const route of this.#routes) {
      if (!fits(route, parts)) continue;
      const wanted = route.method;
      if (wanted === null || wanted === method || (wanted === "GET" && method === "HEAD")) {
        return { handler: route.handler, params: paramsOf(route, parts) };
      }
      allow.add(wanted);
      if (wanted === "GET") allow.add("HEAD");
    }
    return allow.size === 0 ? null : { allow: [...allow] };
  }
}

function routeOf(key: string, handler: unknown): Route {
  const [, method, path] = /^(?:([A-Z]+) )?(\/\S*)$/.exec(key) ?? [];
  if (path === undefined) {
    throw new TypeError(
      `Cannot use the route "${key}": a path is needed, with a method before it or not, as "GET /users/:id"`,
    );
  }
  if (typeof handler !== "function") {
    throw new TypeError(
      `Cannot use the route "${key}": a function is needed, ${typeof handler} came`,
    );
  }
  const segments = path.split("/").slice(1);
  const rest = segments[segments.length - 1] === "*";
  if (rest) segments.pop();
  const names = segments.filter((segment) => segment.startsWith(":"));
  if (segments.includes("*") || names.includes(":") || new Set(names).size < names.length) {
    throw new TypeError(
      `Cannot use the route "${key}": each name must be there and differ from the others, "*" can only be last`,
    );
  }
  return { method: method ?? null, segments, rest, handler: handler as RequestHandler };
}

function fits({ segments, rest }: Route, parts: readonly string[]): boolean {
  if (rest ? parts.length <= segments.length : parts.length !== segments.length) return false;
  return segments.every((segment, i) =>
    segment.startsWith(":") ? parts[i] !== "" : segment === parts[i]
  );
}

/** @throws {URIError} if a segment is no text. */
function paramsOf({ segments, rest }: Route, parts: readonly string[]): Record<string, string> {
  const params: Record<string, string> = Object.create(null);
  segments.forEach((segment, i) => {
    if (segment.startsWith(":")) params[segment.slice(1)] = decodeURIComponent(parts[i]);
  });
  if (rest) params["*"] = parts.slice(segments.length).map(decodeURIComponent).join("/");
  return params;
}
