import type { Opinion } from "../../call/opinion.ts";
import type { Inquiry } from "../../inquiry/inquiry.ts";
import { show } from "../../inquiry/show.ts";

/** Plan mode only reads: writes, executions and what is not understood are denied, outside tools need a rule. */
export function planOpinions(inquiry: Inquiry): readonly Opinion[] {
  const deny = (why: string, place: Pick<Opinion, "part" | "subject" | "span"> = {}): Opinion => ({
    layer: "mode",
    effect: "deny",
    code: "mode.plan",
    why,
    ...place,
  });
  switch (inquiry.class) {
    case "shell": {
      const { script } = inquiry;
      if (script === undefined) return [];
      const opinions: Opinion[] = [];
      const [doubt] = script.doubts;
      if (doubt !== undefined)
        opinions.push(deny(`plan mode runs only what is understood: ${doubt.why}`, { span: doubt.span }));
      for (const { id, reading, nesting, words, span } of script.invocations) {
        if (nesting === "code") continue;
        const reads = reading.class === "read-only" || (reading.transparent && reading.doubts.length === 0);
        if (!reads)
          opinions.push(
            deny(
              `plan mode only reads, and \`${show(words.map(({ text }) => text).join(" "))}\` does more or is not understood`,
              { part: id, span },
            ),
          );
      }
      for (const use of inquiry.uses) {
        if (use.redirect && use.action === "write")
          opinions.push(
            deny(`plan mode only reads, and a redirect writes \`${use.shown}\``, {
              part: use.part,
              subject: use.path,
              span: use.span,
            }),
          );
      }
      return opinions;
    }
    case "edit":
      return inquiry.uses.map((use) =>
        deny(`plan mode only reads, and this changes \`${use.shown}\``, { subject: use.path }),
      );
    case "unknown":
      return [deny(`plan mode runs only tools it knows, and \`${inquiry.tool}\` is none of them`)];
    case "web-fetch":
    case "web-search":
    case "mcp":
      return [
        {
          layer: "mode",
          effect: "ask",
          kind: "plan",
          otherwise: "deny",
          code: "mode.plan",
          why: `plan mode uses \`${inquiry.tool}\` only where a rule allows it`,
        },
      ];
    case "read":
    case "agent":
    case "skill":
    case "internal":
    case "interaction":
      return [];
  }
}
