import type { Opinion } from "../../call/opinion.ts";
import type { Invocation } from "../../shell/script.ts";

/** cordon's own commands that change what an agent may do. */
const CHANGES: ReadonlySet<string> = new Set([
  "trust",
  "permissions",
  "install",
  "uninstall",
  "init",
  "policy",
  "migrate",
  "daemon",
]);
/** Options of `cordon run` and `cordon check` that loosen. */
const LOOSENS: ReadonlySet<string> = new Set([
  "--mode",
  "--dangerously-skip-permissions",
  "--yes",
  "--settings",
  "--managed",
  "--no-ambient",
]);

/** cordon's guard is not for the agent to change: denied in every mode, through any wrapper. */
export function guardOpinions(invocation: Invocation): readonly Opinion[] {
  const texts = invocation.words.map(({ text }) => text);
  const at = texts.findIndex((text) => /(?:^|\/)(?:cordon(?:\.[cm]?js)?|program\.cjs)$/.test(text));
  if (at === -1 || at > 3) return [];
  const rest = texts.slice(at + 1);
  const sub = rest.find((text) => !text.startsWith("-"));
  const changes = sub !== undefined && CHANGES.has(sub);
  const loosens =
    sub === "run" &&
    rest
      .slice(0, rest.indexOf("--") === -1 ? rest.length : rest.indexOf("--"))
      .some((text) => LOOSENS.has(text.replace(/=.*$/, "")));
  const launches =
    at === 0 ||
    /^(?:node|npx|bunx|bun|deno|sh|bash|env|sudo|exec|command|nohup|timeout)$/.test(
      (texts[0] ?? "").replace(/.*\//, ""),
    );
  if (!launches || (!changes && !loosens)) return [];
  return [
    {
      layer: "command",
      effect: "deny",
      code: "cmd.guard",
      why: `\`cordon ${sub}\` changes what agents may do, which is for a person to run`,
      part: invocation.id,
      span: invocation.span,
    },
  ];
}
