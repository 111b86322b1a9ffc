import { type Word, isKnown } from "../../call/word.ts";
import { type Draft, doubt } from "../draft.ts";

/** Raises a doubt where a jq filter reads the environment or loads modules (jq 1.6 and 1.7). */
export function readJq(draft: Draft, word: Word): void {
  if (!isKnown(word)) return doubt(draft, "cmd.dynamic", `the jq filter \`${word.raw}\` is not known`, word);
  const code = stripStrings(word.text);
  if (code === undefined) return doubt(draft, "cmd.unparsable", "the jq filter cannot be read", word);
  // Where a comment ends differs from version to version; with one in it the strings count as code.
  const seen = code.includes("#") ? word.text : code;
  if (/(?:^|[^.\w])(?:env|getpath_env|input_line_number_env)\b|\$\s*(?:ENV|__prog_args)\b/.test(seen)) {
    return doubt(draft, "cmd.prints-secrets", "its jq filter reads the environment", word);
  }
  if (/(?:^|[^.\w$])(?:import|include|modulemeta|get_search_list)\b/.test(seen)) {
    doubt(draft, "cmd.runs-code", "its jq filter loads a module", word);
  }
}

/** The filter without the text of its strings; interpolations stay. */
function stripStrings(text: string): string | undefined {
  let out = "";
  /** Open parentheses of each interpolation that is being read, innermost last. */
  const interpolations: number[] = [];
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? "";
    if (inString) {
      if (char === "\\") {
        at++;
        if (text[at] === "(") {
          interpolations.push(0);
          inString = false;
          out += "(";
        }
      } else if (char === '"') {
        inString = false;
        out += '"';
      }
      continue;
    }
    if (char === '"') {
      inString = true;
      out += '"';
      continue;
    }
    const top = interpolations.length - 1;
    if (top >= 0) {
      if (char === "(") interpolations[top] = (interpolations[top] ?? 0) + 1;
      if (char === ")") {
        const open = interpolations[top] ?? 0;
        if (open === 0) {
          interpolations.pop();
          inString = true;
          out += ")";
          continue;
        }
        interpolations[top] = open - 1;
      }
    }
    out += char;
  }
  return inString || interpolations.length > 0 ? undefined : out;
}
