import { ANSWERS, ASK_KINDS, type Answerer, type AskKind } from "./ask.ts";
import type { Verdict } from "./effect.ts";
import { type About, LAYERS, type Opinion } from "./opinion.ts";

/** What a set of opinions comes to, and the one that decided. */
export interface Folded {
  readonly verdict: Verdict;
  /** Undefined where nobody said anything at all; the verdict is then `ask`. */
  readonly by: Opinion | undefined;
}

/** Asks that stand, the gravest first: this one is shown. */
const GRAVEST: readonly AskKind[] = [
  "critical",
  "destructive",
  "managed",
  "agent-config",
  "sandbox",
  "rule",
  "hook",
  "interaction",
  "unknown.guarded",
  "network",
  "host",
  "path.secret",
  "path.protected",
  "path.link",
  "path.outside",
  "path.runs-later",
  "plan",
  "unknown",
  "unmatched",
  "supervised",
];

/** Allows, the most telling first. */
const TELLING: readonly Answerer[] = [
  "rule",
  "path-rule",
  "edit-rule",
  "grant",
  "hook",
  "acceptEdits",
  "autoAllow",
  "bypass",
  "bypass-sandboxed",
  "built-in",
];

/**
 * Folds opinions: deny beats ask beats allow, and an ask is answered only by what the table of
 * asks lists for its kind, about the same part or path.
 *
 * INVARIANT: the order of opinions changes nothing; adding an ask or a deny never relaxes; no
 * opinions at all is an ask.
 */
export function fold(opinions: readonly Opinion[]): Folded {
  const allows = opinions.filter(({ effect }) => effect === "allow");
  return foldWith(opinions, answering(allows), () => mostTelling(allows));
}

/**
 * `fold` for some of the opinions of a call: `answered` says which asks are answered, `allowing` which
 * allow is shown where nothing stands.
 */
export function foldWith(
  opinions: readonly Opinion[],
  answered: (ask: Opinion) => boolean,
  allowing: () => Opinion | undefined,
): Folded {
  const denies = opinions.filter(({ effect }) => effect === "deny");
  if (denies.length > 0) return { verdict: "deny", by: first(denies, byLayer) };
  const standing = opinions.filter((opinion) => opinion.effect === "ask" && !answered(opinion));
  const closed = standing.filter(({ otherwise }) => otherwise === "deny");
  if (closed.length > 0) return { verdict: "deny", by: first(closed, byGravity) };
  if (standing.length > 0) return { verdict: "ask", by: first(standing, byGravity) };
  const by = allowing();
  return { verdict: by === undefined ? "ask" : "allow", by };
}

/** The allow that says most about why. */
export function mostTelling(allows: readonly Opinion[]): Opinion | undefined {
  return first(allows, byTelling);
}

/** The asks no allow answers. */
export function standingAsks(opinions: readonly Opinion[], allows: readonly Opinion[]): readonly Opinion[] {
  const answered = answering(allows);
  return opinions.filter((opinion) => opinion.effect === "ask" && !answered(opinion));
}

/**
 * Whether one of the allows answers an ask, as `answers` says. A command of 16 kB has thousands of
 * both, so allows are filed under what they are about.
 */
export function answering(allows: readonly Opinion[]): (ask: Opinion) => boolean {
  const whole: Opinion[] = [];
  const filed = new Map<string, Opinion[]>();
  for (const allow of allows) {
    const about = aboutOf(allow);
    const list = about === undefined ? whole : (filed.get(about) ?? []);
    list.push(allow);
    if (about !== undefined) filed.set(about, list);
  }
  return (ask) => {
    const about = aboutOf(ask);
    const near = about === undefined ? [] : (filed.get(about) ?? []);
    return whole.some((allow) => answers(allow, ask)) || near.some((allow) => answers(allow, ask));
  };
}

/** Opinions about different things have different names; undefined for the whole call. */
function aboutOf({ part, subject, about }: Opinion): string | undefined {
  if (subject !== undefined) return about === undefined ? `subject ${subject}` : `use ${about.use}`;
  return part === undefined ? undefined : `part ${part}`;
}

/** One allow answers one ask: the table lists it, and both are about the same thing. */
export function answers(allow: Opinion, ask: Opinion): boolean {
  const { kind } = ask;
  if (allow.answers === undefined || kind === undefined || !ANSWERS[kind].includes(allow.answers))
    return false;
  const wholeCall = allow.part === undefined && allow.subject === undefined;
  if (wholeCall) return true;
  if (ask.subject !== undefined) return allow.subject === ask.subject && isSameUse(allow.about, ask.about);
  return allow.subject === undefined && allow.part === ask.part;
}

/** A question about one place is answered by what covers that place; one about the whole use by either. */
function isSameUse(allow: About | undefined, ask: About | undefined): boolean {
  return allow?.use === ask?.use && (ask?.place === undefined || ask.place === allow?.place);
}

type Order = (a: Opinion, b: Opinion) => number;

/** The least by an order, ties broken by everything else, so that the input's order never shows. */
function first(opinions: readonly Opinion[], order: Order): Opinion | undefined {
  const before = (a: Opinion, b: Opinion): number =>
    order(a, b) || byLayer(a, b) || compare(a.part ?? -1, b.part ?? -1) || compare(textOf(a), textOf(b));
  let least: Opinion | undefined;
  for (const opinion of opinions) if (least === undefined || before(opinion, least) < 0) least = opinion;
  return least;
}

const byLayer: Order = (a, b) => compare(LAYERS.indexOf(a.layer), LAYERS.indexOf(b.layer));
const byGravity: Order = (a, b) =>
  compare(gravity(a), gravity(b)) || compare(Number(isGeneral(a)), Number(isGeneral(b)));
const byTelling: Order = (a, b) =>
  compare(TELLING.indexOf(a.answers ?? "built-in"), TELLING.indexOf(b.answers ?? "built-in"));

function gravity({ kind }: Opinion): number {
  return kind === undefined ? ASK_KINDS.length : GRAVEST.indexOf(kind);
}

/** The mode's own question says least about why. */
function isGeneral({ code }: Opinion): boolean {
  return code === "mode.default";
}

function compare(a: number | string, b: number | string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function textOf({ code, subject, why, rule }: Opinion): string {
  return [code, subject ?? "", rule?.text ?? "", why].join("\0");
}
