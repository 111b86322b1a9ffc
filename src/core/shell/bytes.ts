import type { Doubt } from "../knowledge/reading.ts";

/** Longest command that is analysed in full, in UTF-16 units. */
export const LONGEST = 16_384;
/** Longest command that can be allowed by anything but a person or a mode. */
export const LONGEST_ALLOWED = 10_000;

/** Ranges of code points a reader does not see, takes for a blank, or that turn the direction of writing. */
const HIDDEN: readonly (readonly [number, number])[] = [
  [0x85, 0x85],
  [0xa0, 0xa0],
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x1680, 0x1680],
  [0x17b4, 0x17b5],
  [0x180b, 0x180e],
  [0x2000, 0x200f],
  [0x2028, 0x202f],
  [0x205f, 0x206f],
  [0x3000, 0x3000],
  [0x3164, 0x3164],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff9, 0xfffb],
  [0xe0000, 0xe0fff],
];
const JOINER = 0x200d;

/** What forbids trusting the text before it is even parsed; undefined when nothing does. */
export function byteDoubt(source: string): Doubt | undefined {
  if (source.length > LONGEST) {
    return {
      code: "cmd.too-long",
      why: `the command has ${source.length} characters; more than ${LONGEST} are not judged`,
    };
  }
  let before = 0;
  for (let at = 0; at < source.length; at++) {
    const code = source.codePointAt(at) ?? 0;
    const end = at + (code > 0xffff ? 2 : 1);
    const name = nameOf(code, before, source.codePointAt(end) ?? 0);
    if (name !== undefined) {
      const shown = code.toString(16).toUpperCase().padStart(4, "0");
      return {
        code: "cmd.hidden-characters",
        why: `the command holds ${name} (U+${shown})`,
        span: { start: at, end },
      };
    }
    before = code;
    at = end - 1;
  }
  return undefined;
}

function nameOf(code: number, before: number, after: number): string | undefined {
  if (code === 9 || code === 10 || (code >= 0x20 && code < 0x7f)) return undefined;
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return "a control character";
  if (code >= 0xd800 && code <= 0xdfff) return "half a character";
  // Pictures of people are several pictures joined; there the joiner hides nothing.
  if (code === JOINER && before > 0x2100 && after > 0x2100) return undefined;
  return HIDDEN.some(([low, high]) => code >= low && code <= high)
    ? "an invisible or direction-changing character"
    : undefined;
}
