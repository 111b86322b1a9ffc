import type { Suggestion } from "../../call/decision.ts";
import { standingAsks } from "../../call/fold.ts";
import { stringAt } from "../../call/json.ts";
import type { Opinion } from "../../call/opinion.ts";
import { isWithin, normalise } from "../../call/path.ts";
import { HOLE } from "../../call/word.ts";
import { commandForms } from "../../inquiry/command-forms.ts";
import type { Inquiry } from "../../inquiry/inquiry.ts";
import type { Invocation } from "../../shell/script.ts";

/** Most rules offered for one call. */
const MOST = 5;

/** Rules that together let a call pass. */
type Offer = readonly Suggestion[];

/**
 * Offers that would let this call pass, narrowest first; none where a rule could not answer what
 * stands, or where remembering would be unwise (destructive, critical, unknown, background).
 */
export function offersFor(inquiry: Inquiry, opinions: readonly Opinion[]): readonly Offer[] {
  if (inquiry.context.policy.managed.onlyManagedRules !== undefined) return [];
  const allows = opinions.filter(({ effect }) => effect === "allow");
  const standing = standingAsks(opinions, allows);
  const rememberable = standing.every(
    ({ kind }) => kind === "unmatched" || kind === "path.outside" || kind === "path.runs-later",
  );
  if (!rememberable) return [];
  switch (inquiry.class) {
    case "shell":
      return shellOffers(inquiry, standing);
    case "read":
    case "edit":
      return inquiry.uses.length === 0
        ? []
        : [
            inquiry.uses.map((use): Suggestion => {
              const path = normalise(use.path);
              const root = normalise(inquiry.call.root);
              const inside = isWithin(path, root);
              const pattern = inside ? `/${path.slice(root.length + 1)}` : `/${path}`;
              const tool = inquiry.class === "edit" ? "Edit" : "Read";
              return { rule: `${tool}(${escape(pattern)})`, destination: inside ? "local" : "session" };
            }),
          ];
    case "web-fetch": {
      const host = /^https?:\/\/([\w.-]+)/.exec(stringAt(inquiry.call.input, "url") ?? "")?.[1];
      return host === undefined
        ? []
        : [[{ rule: `WebFetch(domain:${host.toLowerCase()})`, destination: "local" }]];
    }
    case "mcp":
    case "web-search":
      return [[{ rule: inquiry.tool, destination: "local" }]];
    case "skill":
    case "agent":
    case "internal":
    case "interaction":
    case "unknown":
      return [];
  }
}

/** One exact rule for each part that asks; for a single part also one with free operands. */
function shellOffers(inquiry: Inquiry, standing: readonly Opinion[]): readonly Offer[] {
  if (standing.some(({ subject }) => subject !== undefined)) return [];
  const parts = new Set(standing.map(({ part }) => part));
  const asked = (inquiry.script?.invocations ?? []).filter(({ id }) => parts.has(id));
  if (asked.length === 0 || asked.length > MOST) return [];
  const exact: Suggestion[] = [];
  for (const invocation of asked) {
    const { plain } = commandForms(invocation);
    if (plain.includes(HOLE) || /[*()\n|;&]/.test(plain) || plain.length > 300) return [];
    exact.push({ rule: `Bash(${plain})`, destination: "local" });
  }
  const [only] = asked;
  const pattern = asked.length === 1 && only !== undefined ? freeOperands(only) : undefined;
  return pattern === undefined ? [exact] : [exact, [{ rule: `Bash(${pattern})`, destination: "local" }]];
}

/** `git commit -m *`: the same command and flags, operands free; undefined where that would be broad. */
function freeOperands(invocation: Invocation): string | undefined {
  const { reading, words } = invocation;
  if (reading.class !== "file-modifying" && reading.class !== "runs-code") return undefined;
  if (reading.inner.length > 0) return undefined;
  const head = [words[0]?.text ?? "", ...reading.path.slice(1)];
  const flags = words.map(({ text }) => text).filter((text) => text.startsWith("-"));
  if (head.length < 2 && flags.length === 0) return undefined;
  return [...head, ...flags, "*"].join(" ");
}

/** Pattern characters of a saved path are literal. */
function escape(path: string): string {
  return path.replace(/[\\*?[\]]/g, "\\$&");
}
