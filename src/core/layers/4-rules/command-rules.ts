import type { Span } from "../../call/call.ts";
import { baseOf } from "../../call/path.ts";
import { HOLE, isKnown } from "../../call/word.ts";
import type { Opinion } from "../../call/opinion.ts";
import type { Invocation, Script } from "../../shell/script.ts";
import type { Inquiry } from "../../inquiry/inquiry.ts";
import { show } from "../../inquiry/show.ts";
import { type CommandForms, commandForms } from "../../inquiry/command-forms.ts";
import { refOf } from "../../inquiry/rule-index.ts";
import type { CommandRule, RuleIndex } from "../../inquiry/rule-index.ts";
import { type Match, match, surelyMatches } from "../../inquiry/wildcard.ts";

/** What the Bash rules say to every command of a script. */
export function commandOpinions(inquiry: Inquiry, script: Script): readonly Opinion[] {
  const { rules } = inquiry.context;
  if (!rules.hasCommands()) return [];
  const forms = new Map(script.invocations.map((invocation) => [invocation.id, commandForms(invocation)]));
  const opinions: Opinion[] = [];
  for (const invocation of script.invocations) {
    const form = forms.get(invocation.id);
    if (form === undefined) continue;
    for (const rule of candidatesFor(invocation, form, rules))
      opinions.push(...judge(rule, invocation, form, script, forms, inquiry));
  }
  return opinions;
}

/**
 * The rules that can match one of the texts of a command, by the first word of each: the program's
 * bare name, its path, an assignment before it. All of them where such a word is not known, or is
 * none for a rule to begin with.
 */
function candidatesFor(
  { words: [name] }: Invocation,
  { plain, all }: CommandForms,
  rules: RuleIndex,
): Iterable<CommandRule> {
  if (name === undefined || !isKnown(name)) return rules.allCommands;
  const names = [baseOf(name.text), name.text];
  // A program with a blank in its name is not the one before the blank; but a rule without a star may say so.
  if (/\s/.test(name.text))
    return new Set([...rules.commands(names), ...rules.allCommands.filter(({ exact }) => exact)]);
  const heads = new Set([...names, ...all.map(firstWord)]);
  for (const head of heads) if (head.includes(HOLE) || head.startsWith("-")) return rules.allCommands;
  // An assignment of which something is not known is covered by no word without a star.
  return rules.commands([...heads.add(firstWord(plain))]);
}

function firstWord(text: string): string {
  const space = text.indexOf(" ");
  return space === -1 ? text : text.slice(0, space);
}

function judge(
  rule: CommandRule,
  invocation: Invocation,
  form: CommandForms,
  script: Script,
  forms: ReadonlyMap<number, CommandForms>,
  inquiry: Inquiry,
): readonly Opinion[] {
  const { effect } = rule.rule;
  if (effect === "allow") {
    if (!allows(rule, invocation, form, inquiry)) return [];
    return [invocation, ...handedOver(rule, invocation, script)].map(({ id, span }) => allow(rule, id, span));
  }
  const found = rule.whole ? "yes" : restricts(rule, invocation, form, script, forms);
  if (found === "no") return [];
  const { text } = rule.rule;
  const base = {
    layer: "rules",
    part: invocation.id,
    rule: refOf(rule.rule),
    span: invocation.span,
  } as const;
  if (found === "maybe") {
    const why = `whether the ${effect} rule \`${text}\` covers \`${show(form.plain)}\` cannot be known before it runs`;
    return [{ ...base, effect: "ask", kind: "unknown.guarded", code: "rule.cannot-tell", why }];
  }
  if (effect === "deny")
    return [
      {
        ...base,
        effect: "deny",
        code: "rule.deny",
        why: `the deny rule \`${text}\` forbids \`${show(form.plain)}\``,
      },
    ];
  return [
    {
      ...base,
      effect: "ask",
      kind: "rule",
      code: "rule.ask",
      why: `the ask rule \`${text}\` covers \`${show(form.plain)}\``,
    },
  ];
}

/** How surely a deny or ask rule covers an invocation, in any spelling. */
function restricts(
  rule: CommandRule,
  invocation: Invocation,
  form: CommandForms,
  script: Script,
  forms: ReadonlyMap<number, CommandForms>,
): Match {
  const [stage, ...later] = rule.stages;
  if (stage === undefined) return "no";
  let best = strongest(form.all.map((text) => match(stage, text)));
  if (best !== "yes" && rule.exact && coversFlags(stage.text, form)) best = "yes";
  if (best === "no" || later.length === 0) return best;
  // The rule spells a pipe: the following stages must match too.
  const { pipe } = invocation;
  if (pipe === undefined) return "no";
  for (const [offset, pattern] of later.entries()) {
    const next = script.invocations.filter(
      (other) => other.pipe?.pipeline === pipe.pipeline && other.pipe.stage === pipe.stage + offset + 1,
    );
    const found = strongest(
      next.flatMap((other) => forms.get(other.id)?.all ?? []).map((text) => match(pattern, text)),
    );
    if (found === "no") return "no";
    if (found === "maybe") best = "maybe";
  }
  return best;
}

function strongest(matches: readonly Match[]): Match {
  if (matches.includes("yes")) return "yes";
  return matches.includes("maybe") ? "maybe" : "no";
}

/** `Bash(git push --force)` as a deny also means the same verb and flag with more operands. */
function coversFlags(pattern: string, form: CommandForms): boolean {
  const words = pattern.split(" ");
  const flags = words.filter((word) => word.startsWith("-"));
  if (flags.length === 0) return false;
  const verbs = words.slice(
    0,
    words.findIndex((word) => word.startsWith("-")),
  );
  const rest = words.filter((word) => !word.startsWith("-")).slice(verbs.length);
  const operands = form.words.filter((word) => !word.startsWith("-"));
  return (
    verbs.every((verb, at) => operands[at] === verb) &&
    flags.every((flag) => form.words.includes(flag)) &&
    rest.every((word) => operands.includes(word))
  );
}

/** An allow rule covers an invocation only in the spelling it has, and only as far as its author could see. */
function allows(rule: CommandRule, invocation: Invocation, form: CommandForms, inquiry: Inquiry): boolean {
  if (invocation.nesting === "code" || isHandedByOptions(invocation, inquiry)) return false;
  const { reading } = invocation;
  if (rule.whole)
    return !(inquiry.context.rules.guardsCommands && reading.inner.some(({ kind }) => kind === "code"));
  const [stage] = rule.stages;
  if (stage === undefined || rule.stages.length !== 1 || !surelyMatches(stage, form.plain)) return false;
  // `"git push" x` is not the program its author meant.
  if (/\s/.test(invocation.words[0]?.text ?? "")) return false;
  if (stage.pieces.length > 1) {
    // A star that touches the first word was not written for `makeX=1 …`.
    if (!(stage.pieces[0] ?? "").startsWith(form.assigned)) return false;
    // A star that stands for the command was not written for those that destroy or change files.
    if (stage.head === undefined && stage.pieces.at(-1) !== "" && changes(invocation)) return false;
    // A wrapper runs anything: only an exact rule means the command it was given.
    if (reading.wraps && !reading.transparent) return false;
  }
  // Options and actions that make a reader run or write something must be spelled by the rule.
  return reading.reaching.every((word) => stage.text.includes(word));
}

/** What `xargs` runs is known to a rule's author only where xargs is given no options of its own. */
function isHandedByOptions({ parent, nesting }: Invocation, { script }: Inquiry): boolean {
  if (nesting !== "wrapped" || parent === undefined) return false;
  const outer = script?.invocations.find(({ id }) => id === parent)?.reading;
  return outer?.path[0] === "xargs" && outer.options.size > 0;
}

function changes({ reading }: Invocation): boolean {
  return (
    reading.class === "file-modifying" ||
    reading.class === "system-modifying" ||
    reading.dangers.length > 0 ||
    reading.effects.some(({ action }) => action !== "read") ||
    reading.inner.some(({ kind }) => kind === "code")
  );
}

/**
 * The commands a covered invocation runs as its argument. A rule for an interpreter covers the
 * text it names; a rule with a star for a wrapper does not cover whatever is wrapped.
 */
function handedOver(rule: CommandRule, invocation: Invocation, script: Script): readonly Invocation[] {
  return script.invocations
    .filter(({ parent, nesting }) => parent === invocation.id && (nesting === "script" || rule.exact))
    .flatMap((inner) => [inner, ...handedOver(rule, inner, script)]);
}

function allow(rule: CommandRule, part: number, span: Span): Opinion {
  return {
    layer: "rules",
    effect: "allow",
    code: "rule.allow",
    why: `the allow rule \`${rule.rule.text}\` covers it`,
    answers: "rule",
    part,
    rule: refOf(rule.rule),
    span,
  };
}
