// The client's addresses.

import { parseCode } from "./meeting/code";

export type Route =
  | { readonly page: "home" }
  | { readonly page: "recordings" }
  | { readonly page: "watch"; readonly token: string }
  | { readonly page: "meeting"; readonly code: string }
  | { readonly page: "unknown" };

export function routeOf(path: string): Route {
  const name = path.replace(/^\/+|\/+$/g, "");
  if (name === "") return { page: "home" };
  if (name === "recordings") return { page: "recordings" };
  const token = /^watch\/([\w-]+)$/.exec(name)?.[1];
  if (token) return { page: "watch", token };
  const code = parseCode(name);
  return code ? { page: "meeting", code } : { page: "unknown" };
}
