import type { Doubt } from "../knowledge/reading.ts";

/** Longest command that is analysed in full, in UTF-16 units. */
export const LONGEST = 16_384;
/** Longest command that can be allowed by anything but a person or a mode. */
export const LONGEST_ALLOWED = 10_000;

/** Blanks, joiners and direction marks that a reader does not see or takes for a space. */
const HIDDEN =
  /[\u0085\u00A0\u00AD\u034F\u061C\u115F\u1160\u1680\u17B4\u17B5\u180B-\u180E\u2000-\u200F\u2028-\u202F\u205F-\u206F\u3000\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF9-\uFFFB]|[\uDB40][\uDC00-\uDFFF]/u;
const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;
// eslint-disable-next-line no-control-regex -- control characters are what this looks for
const CONTROL = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/;

/** What forbids trusting the text before it is even parsed; undefined when nothing does. */
export function byteDoubt(source: string): Doubt | undefined {
  if (source.length > LONGEST) {
    return {
      code: "cmd.too-long",
      why: `the command has ${source.length} characters; more than ${LONGEST} are not judged`,
    };
  }
  for (const [pattern, name] of [
    [CONTROL, "a control character"],
    [HIDDEN, "an invisible or direction-changing character"],
    [LONE_SURROGATE, "half a character"],
  ] as const) {
    const match = pattern.exec(source);
    if (match) {
      const code = (match[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
      return {
        code: "cmd.hidden-characters",
        why: `the command holds ${name} (U+${code})`,
        span: { start: match.index, end: match.index + match[0].length },
      };
    }
  }
  return undefined;
}
