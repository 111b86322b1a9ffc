import { compileDomain } from "../inquiry/domains.ts";
import { compileWildcard, surelyMatches } from "../inquiry/wildcard.ts";

/**
 * True where a list allows an address. A pattern is an address in which `*` in the host stays
 * between two dots (in front, `*.`, any number of names), and `*` in the port and the path stands
 * for anything; `*` alone is every address.
 *
 * `url` is canonical, as the WHATWG parser writes it. A pattern that cannot be read allows nothing.
 */
export function allowsUrl(patterns: readonly string[], url: string): boolean {
  const given = partsOf(url);
  return given !== undefined && patterns.some((pattern) => pattern === "*" || fits(partsOf(pattern), given));
}

interface Parts {
  readonly scheme: string;
  readonly host: string;
  readonly port: string;
  readonly path: string;
}

function partsOf(text: string): Parts | undefined {
  const match = /^(https?|\*):\/\/(\[[^\]]*\]|[^/?#:@]*)(?::(\d+|\*))?([/?#].*)?$/is.exec(text.trim());
  if (match === null) return undefined;
  const [, scheme = "", host = "", port, path = "/"] = match;
  const name = scheme.toLowerCase();
  const usual = name === "https" ? "443" : "80";
  return {
    scheme: name,
    host: host.toLowerCase(),
    port: port ?? usual,
    path: path.startsWith("/") ? path : `/${path}`,
  };
}

function fits(pattern: Parts | undefined, url: Parts): boolean {
  if (pattern === undefined) return false;
  return (
    (pattern.scheme === "*" || pattern.scheme === url.scheme) &&
    compileDomain(pattern.host).matches(url.host.replace(/\.$/, "")) &&
    (pattern.port === "*" || pattern.port === url.port) &&
    surelyMatches(compileWildcard(pattern.path), url.path)
  );
}

/**
 * The text of a header with `$NAME` and `${NAME}` filled in. A variable that no list allows, or
 * that is not set, is empty.
 */
export function fillHeader(
  text: string,
  allowed: readonly (readonly string[])[],
  env: Readonly<Record<string, string | undefined>>,
): string {
  return text.replace(/\$(?:\{(\w+)\}|([A-Za-z_]\w*))/g, (_, braced?: string, plain?: string) => {
    const name = braced ?? plain ?? "";
    const value = allowed.every((list) => list.includes(name)) ? env[name] : undefined;
    return value ?? "";
  });
}
