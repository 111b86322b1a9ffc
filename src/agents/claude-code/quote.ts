/** `text` as one word of a POSIX shell, whatever is in it. It must hold no NUL: no shell can carry one. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
