import type { Facts } from "../../call/facts.ts";
import type { Opinion } from "../../call/opinion.ts";
import { isKnown } from "../../call/word.ts";
import type { Invocation } from "../../shell/script.ts";
import { isHarmlessVariable } from "../../shell/variables.ts";
import type { Inquiry } from "../../inquiry/inquiry.ts";
import { aboutUse, isInside, locate, workspaceOf } from "../../inquiry/locate.ts";

/** Commands whose literal, in-scope forms the mode accepts (semantics, section 7). */
const COMMANDS: ReadonlySet<string> = new Set(["mkdir", "touch", "rm", "rmdir", "mv", "cp", "sed"]);

/** acceptEdits: edits inside the working directories, by file tools, redirects and a few commands. */
export function acceptEditsOpinions(inquiry: Inquiry, facts: Facts): readonly Opinion[] {
  const workspace = workspaceOf(inquiry.context, inquiry, facts);
  const inside = inquiry.uses.map((use) => ({
    use,
    ok: use.known && locate(use, facts).every((located) => located.certain && isInside(located, workspace)),
  }));
  const accept = (place: Pick<Opinion, "part" | "subject" | "about">): Opinion => ({
    layer: "mode",
    effect: "allow",
    answers: "acceptEdits",
    code: "mode.accept-edits",
    why: "the mode accepts edits in the working directories",
    ...place,
  });
  if (inquiry.class === "edit")
    return inside
      .filter(({ ok }) => ok)
      .map(({ use }) => accept({ subject: use.path, about: aboutUse(use) }));
  if (inquiry.script === undefined) return [];
  const parts = inquiry.script.invocations.filter(
    (invocation) =>
      accepted(invocation) && inside.every(({ use, ok }) => ok || use.part !== invocation.id || use.redirect),
  );
  const redirects = inside.filter(({ use, ok }) => ok && use.redirect && use.action === "write");
  return [
    ...parts.map(({ id }) => accept({ part: id })),
    ...redirects.map(({ use }) => accept({ subject: use.path, about: aboutUse(use) })),
  ];
}

/** A listed command, fully literal, without a backup suffix. */
function accepted({ reading, words, assigned, background }: Invocation): boolean {
  const [name] = words;
  return (
    name !== undefined &&
    COMMANDS.has(name.text) &&
    reading.class === "file-modifying" &&
    reading.doubts.length === 0 &&
    reading.dangers.length === 0 &&
    !background &&
    words.every(isKnown) &&
    assigned.every((each) => isHarmlessVariable(each.name)) &&
    (reading.options.get("--in-place") ?? []).every((suffix) => suffix === undefined)
  );
}
