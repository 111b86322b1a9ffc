/**
 * A second implementation of the fold and of rule matching, written for plainness: no index, no
 * caching, regular expressions from patterns. Random policies and calls are judged by both.
 */
import type { AskKind } from "../../src/core/call/ask.ts";
import type { Opinion } from "../../src/core/call/opinion.ts";

const BYPASS = "bypass bypass-sandboxed";
/** The table of asks, typed in a second time from the design. */
const TABLE: Record<AskKind, string> = {
  unmatched: `built-in rule edit-rule path-rule hook grant acceptEdits autoAllow ${BYPASS}`,
  "path.outside": "path-rule grant bypass-sandboxed",
  "path.protected": BYPASS,
  "path.link": `path-rule ${BYPASS}`,
  "path.runs-later": `edit-rule path-rule ${BYPASS}`,
  "path.secret": "path-rule",
  unknown: `autoAllow ${BYPASS}`,
  "unknown.guarded": "",
  rule: "",
  managed: "",
  hook: "",
  destructive: "",
  critical: "",
  interaction: "",
  sandbox: "",
  "agent-config": "",
  network: "",
  host: "rule grant",
  plan: "rule",
  supervised: "",
};

export function naiveFold(opinions: readonly Opinion[]): "allow" | "ask" | "deny" {
  let anyAllow = false;
  let stands = false;
  let closed = false;
  for (const opinion of opinions) {
    if (opinion.effect === "deny") return "deny";
    if (opinion.effect === "allow") anyAllow = true;
    if (opinion.effect !== "ask" || opinion.kind === undefined) continue;
    const listed = TABLE[opinion.kind].split(" ");
    let answered = false;
    for (const other of opinions) {
      if (other.effect !== "allow" || other.answers === undefined || !listed.includes(other.answers))
        continue;
      if (other.part === undefined && other.subject === undefined) answered = true;
      else if (opinion.subject !== undefined) {
        const whole = opinion.about?.place === undefined || opinion.about.place === other.about?.place;
        const same = other.subject === opinion.subject && other.about?.use === opinion.about?.use;
        answered ||= same && whole;
      } else answered ||= other.subject === undefined && other.part === opinion.part;
    }
    if (!answered) stands = true;
    if (!answered && opinion.otherwise === "deny") closed = true;
  }
  if (closed) return "deny";
  return stands || !anyAllow ? "ask" : "allow";
}

/** A Bash pattern as a regular expression: `*` anything, a last ` *` optional where it is the only star. */
export function naiveCommandPattern(pattern: string): RegExp {
  const stars = pattern.split("*").length - 1;
  const quoted = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace(/\*/g, "[^]*");
  if (stars === 1 && pattern.endsWith(" *"))
    return new RegExp(`^${quoted.slice(0, -" [^]*".length)}(?: [^]*)?$`);
  return new RegExp(`^${quoted}$`);
}

/** A gitignore pattern below a root as a regular expression over absolute paths. */
export function naivePathPattern(pattern: string, root: string, deny: boolean): RegExp {
  let body = pattern.replace(/^\.\//, "/");
  const onlyBelow = /\/\*?\*?$/.test(body) && /\/(\*\*)?$/.test(body);
  const oneSegment = /^[^/]+\/\*\*$/.test(body);
  body = body.replace(/\/(\*\*)?$/, "");
  const anchored =
    body === "" || body.startsWith("/") || body.slice(1).includes("/") || (oneSegment && !deny);
  body = body.replace(/^\/+/, "");
  const source = body
    .split("/")
    .map((segment) =>
      segment === "**"
        ? "\0"
        : segment
            .replace(/[.+^${}()|[\]\\]/g, "\\$&")
            .replace(/\*+/g, "[^/]*")
            .replace(/\?/g, "[^/]"),
    )
    .join("/")
    .replace(/\0\//g, "(?:[^/]+/)*")
    .replace(/\/\0$/, "/[^]*");
  const head = `${root === "/" ? "" : root.replace(/[.+?^${}()|[\]\\*]/g, "\\$&")}/${anchored ? "" : "(?:[^/]+/)*"}`;
  const tail = onlyBelow && !deny ? "/[^]*" : "(?:/[^]*)?";
  return new RegExp(`^${body === "" ? head.slice(0, -1) : head + source}${tail}$`);
}
