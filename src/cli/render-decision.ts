import type { Decision } from "../core/call/decision.ts";
import { fold } from "../core/call/fold.ts";
import { LAYERS, type Opinion } from "../core/call/opinion.ts";
import { printable } from "./command.ts";

interface Look {
  readonly explain: boolean;
  readonly colour: boolean;
}

const COLOURS: Readonly<Record<string, string>> = { allow: "32", ask: "33", deny: "31", pass: "2" };

/** A decision for a person: the verdict, why, where it comes from, and what would help. */
export function renderDecision(decision: Decision, look: Look): string {
  const paint = (text: string, effect: string): string =>
    look.colour ? `\u001b[${COLOURS[effect] ?? "0"}m${text}\u001b[0m` : text;
  const lines = [
    `${paint(decision.verdict.padEnd(5), decision.verdict)}  ${decision.code}`,
    `  ${printable(decision.why)}`,
  ];
  const kind = decision.kind === undefined ? "" : ` · kind ${decision.kind}`;
  lines.push(`  layer ${decision.layer} · mode ${decision.mode}${kind}`);
  if (decision.rule !== undefined) {
    const place =
      decision.rule.file === undefined
        ? ""
        : ` ${[decision.rule.file, decision.rule.line].filter((part) => part !== undefined).join(":")}`;
    lines.push(
      `  rule ${printable(decision.rule.text)} (${decision.rule.effect}, ${decision.rule.scope})${printable(place)}`,
    );
  }
  if (decision.parts.length > 1) {
    const width = Math.max(...decision.parts.map(({ code }) => code.length));
    for (const part of decision.parts)
      lines.push(
        `  ${paint(part.decision.padEnd(5), part.decision)}  ${part.code.padEnd(width)}  ${printable(part.command)}`,
      );
  }
  if (decision.hint !== undefined) lines.push(`  hint: ${printable(decision.hint)}`);
  for (const { rule, destination } of decision.suggestions)
    lines.push(`  would allow it: ${printable(rule)} (${destination} settings)`);
  if (look.explain) lines.push("", ...gauntlet(decision, paint));
  return `${lines.join("\n")}\n`;
}

/** The whole gauntlet as a table: every layer, everything it said, and what became of it. */
function gauntlet(decision: Decision, paint: (text: string, effect: string) => string): readonly string[] {
  const allows = decision.opinions.filter(({ effect }) => effect === "allow");
  const answered = (opinion: Opinion): boolean =>
    opinion.effect === "ask" && fold([opinion, ...allows]).verdict === "allow";
  const rows = LAYERS.flatMap((layer, at): readonly (readonly [string, Opinion | undefined])[] => {
    const said = decision.opinions.filter((opinion) => opinion.layer === layer);
    const name = `${at + 1} ${layer}`;
    return said.length === 0
      ? [[name, undefined]]
      : said.map((opinion, index) => [index === 0 ? name : "", opinion]);
  });
  const width = Math.max(...rows.map(([, opinion]) => opinion?.code.length ?? 0), 4);
  return [
    `${"layer".padEnd(16)}${"says".padEnd(7)}${"code".padEnd(width + 2)}why`,
    ...rows.map(([name, opinion]) => {
      if (opinion === undefined) return `${name.padEnd(16)}${paint("pass", "pass")}`;
      const part = opinion.part === undefined ? "" : ` [part ${opinion.part + 1}]`;
      const fate = answered(opinion) ? " (answered)" : "";
      return `${name.padEnd(16)}${paint(opinion.effect.padEnd(7), opinion.effect)}${opinion.code.padEnd(width + 2)}${printable(opinion.why)}${part}${fate}`;
    }),
    `${"verdict".padEnd(16)}${paint(decision.verdict, decision.verdict)}`,
  ];
}
