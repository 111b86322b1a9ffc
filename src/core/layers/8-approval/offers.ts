import type { Suggestion } from "../../call/decision.ts";
import { standingAsks } from "../../call/fold.ts";
import { stringAt } from "../../call/json.ts";
import type { Opinion } from "../../call/opinion.ts";
import { isWithin, normalise } from "../../call/path.ts";
import { HOLE } from "../../call/word.ts";
import { commandForms } from "../../inquiry/command-forms.ts";
import type { Inquiry } from "../../inquiry/inquiry.ts";
import { compileWildcard, surelyMatches } from "../../inquiry/wildcard.ts";
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

/**
 * `git commit -m *`: the command with its subcommands and the options right behind them, operands
 * free; undefined where that would be broad, where it removes something, or where it would not
 * cover this very call.
 *
 * Of what runs code an operand says which, so it is never free (`npm test *`, but neither `npm run *`
 * nor `make *`). Of what changes files a star without an operand would stand for a subcommand
 * (`git stash *`).
 */
function freeOperands(invocation: Invocation): string | undefined {
  const { reading, words } = invocation;
  if (reading.class !== "file-modifying" && reading.class !== "runs-code") return undefined;
  if (reading.inner.length > 0 || reading.dangers.length > 0) return undefined;
  if (reading.effects.some(({ action }) => action === "delete")) return undefined;
  const texts = words.map(({ text }) => text);
  const verbs = reading.path.length;
  if (!reading.path.slice(1).every((word, at) => texts[at + 1] === word)) return undefined;
  const operand = texts.findIndex((text, at) => at >= verbs && !text.startsWith("-"));
  if ((operand === -1) !== (reading.class === "runs-code")) return undefined;
  const end = operand === -1 ? texts.length : operand;
  if (end < 2 || texts.slice(end).some((text) => text.startsWith("-"))) return undefined;
  const pattern = [...texts.slice(0, end), "*"].join(" ");
  return surelyMatches(compileWildcard(pattern), commandForms(invocation).plain) ? pattern : undefined;
}

/** Pattern characters of a saved path are literal. */
function escape(path: string): string {
  return path.replace(/[\\*?[\]]/g, "\\$&");
}
