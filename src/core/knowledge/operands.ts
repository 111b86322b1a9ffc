import { type Word, knownPrefix } from "../call/word.ts";
import { type Draft, doubt, raise } from "./draft.ts";
import type { DangerSpec, OperandSpec } from "./spec.ts";
import { take } from "./take.ts";

/** Gives each operand its kind: fixed ones from both ends, the repeated one in between. */
export function assignOperands(draft: Draft, specs: readonly OperandSpec[], words: readonly Word[]): void {
  draft.operands.push(...words);
  const command = specs.findIndex((spec) => spec.kind === "command");
  const leading = command === -1 ? specs : specs.slice(0, command);
  let count = words.length;
  if (command !== -1) {
    // Assignments before the command of `env` are as many as look like one.
    const fixed = leading.filter((spec) => spec.repeated !== true).length;
    const repeated = leading.some((spec) => spec.kind === "assignment");
    const skip = repeated
      ? words.findIndex((word) => word.text !== "-" && !/^[A-Za-z_]\w*\+?=/.test(knownPrefix(word)))
      : fixed;
    count = skip === -1 ? words.length : Math.min(skip, words.length);
    const inner = words.slice(count);
    if (inner.length > 0) {
      draft.inner.push({ kind: "argv", words: inner, bases: [...draft.bases] });
      // A runner with a subcommand (`docker exec`) is what rules for it are written for.
      if (draft.path.length === 1) draft.wraps = true;
      raise(draft, specs[command]?.class ?? "read-only");
    } else if (words.length > 0)
      doubt(draft, "cmd.option-unlisted", `${draft.path.join(" ")} is given nothing to run`);
  }
  const given = words.slice(0, count);
  const star = leading.findIndex((spec) => spec.repeated === true);
  const after = star === -1 ? 0 : leading.length - star - 1;
  given.forEach((word, at) => {
    const fromEnd = given.length - at;
    let spec: OperandSpec | undefined;
    if (star === -1) spec = leading[at];
    else if (fromEnd <= after) spec = leading[leading.length - fromEnd];
    else if (at < star) spec = leading[at];
    else spec = leading[star];
    if (spec === undefined) {
      doubt(
        draft,
        "cmd.option-unlisted",
        `${draft.path.join(" ")} takes no operand \`${word.raw}\` that is known here`,
        word,
      );
      return;
    }
    if (spec.starts !== undefined && !knownPrefix(word).startsWith(spec.starts)) {
      doubt(
        draft,
        "cmd.option-unlisted",
        `\`${word.raw}\` is not of the form that is known for ${draft.path.join(" ")}`,
        word,
      );
      return;
    }
    raise(draft, spec.class);
    if (spec.kind === "command") return;
    take(draft, spec.kind, word);
  });
}

/** Notes every destructive form the options and operands match. */
export function matchDangers(draft: Draft, specs: readonly DangerSpec[]): void {
  for (const spec of specs) {
    if (!(spec.options ?? []).every((name) => draft.options.has(name))) continue;
    if ((spec.unless ?? []).some((name) => draft.options.has(name))) continue;
    const values = Object.entries(spec.values ?? {});
    if (
      !values.every(([name, list]) =>
        draft.options.get(name)?.some((word) => list.includes(word?.text.toUpperCase() ?? "")),
      )
    )
      continue;
    const hit =
      spec.operands === undefined
        ? undefined
        : draft.operands.find((word) => spec.operands?.some((form) => fits(word.text, form)));
    if (spec.operands !== undefined && hit === undefined) continue;
    draft.dangers.push({ code: "cmd.destructive", why: spec.why, instead: spec.instead, span: hit?.span });
  }
}

function fits(text: string, form: string): boolean {
  return form.endsWith("*") ? text.startsWith(form.slice(0, -1)) : text === form;
}
