/** The permission modes, strictest first. A managed lock lets a person choose only a stricter one. */
export const MODES = [
  "supervised",
  "plan",
  "dontAsk",
  "default",
  "acceptEdits",
  "auto",
  "bypassPermissions",
] as const;
export type Mode = (typeof MODES)[number];

/** True when `a` is at least as strict as `b`. */
export function atLeastAsStrict(a: Mode, b: Mode): boolean {
  return MODES.indexOf(a) <= MODES.indexOf(b);
}

/** The mode a word names, with the alias `manual` for `default`; undefined when it names none. */
export function modeNamed(word: string): Mode | undefined {
  if (word === "manual") return "default";
  return MODES.find((mode) => mode === word);
}
