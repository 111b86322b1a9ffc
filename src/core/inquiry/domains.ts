import { canonicalHost } from "./hosts.ts";

/** A host pattern of a WebFetch rule. */
export interface DomainPattern {
  readonly text: string;
  readonly matches: (host: string) => boolean;
}

/**
 * Compiles `example.com`, `*.example.com` (any depth below, not the name itself), `*` (all) and
 * `example.*` (any other star stays between two dots). Case and one trailing dot do not matter.
 */
export function compileDomain(pattern: string): DomainPattern {
  const text = canonicalHost(pattern);
  if (text === "*") return { text, matches: () => true };
  if (text.startsWith("*.") && !text.slice(1).includes("*")) {
    const tail = text.slice(1);
    return { text, matches: (host) => host.length > tail.length && host.endsWith(tail) };
  }
  if (!text.includes("*")) return { text, matches: (host) => host === text };
  const labels = text.split(".");
  const deep = labels[0] === "*" && labels.length > 1;
  return {
    text,
    matches: (host) => {
      const given = host.split(".");
      if (deep ? given.length < labels.length : given.length !== labels.length) return false;
      const offset = given.length - labels.length;
      return labels.every((label, at) => (deep && at === 0) || fitsLabel(label, given[at + offset] ?? ""));
    },
  };
}

function fitsLabel(pattern: string, label: string): boolean {
  const pieces = pattern.split("*");
  if (pieces.length === 1) return pattern === label;
  const first = pieces[0] ?? "";
  const last = pieces.at(-1) ?? "";
  if (label.length < first.length + last.length || !label.startsWith(first) || !label.endsWith(last))
    return false;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = label.indexOf(piece, at);
    if (found === -1 || found + piece.length > label.length - last.length) return false;
    at = found + piece.length;
  }
  return true;
}
