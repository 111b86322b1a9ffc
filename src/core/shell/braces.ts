/** Most words one brace expression may become; more are left unknown. */
const MOST = 256;

/**
 * Expands braces as bash 5.2 does: `{a,b}` nested to any depth, `{1..9}` and `{a..e}` with an
 * optional step. `restore` turns each expanded text back into what it stands for.
 *
 * Returns undefined where the expansion is too large or `restore` cannot place a text.
 */
export function expandBraces<T>(
  pieces: readonly string[],
  restore: (text: string) => T | undefined,
): readonly T[] | undefined {
  const texts = expand(pieces.join(""));
  if (texts === undefined) return undefined;
  const out: T[] = [];
  for (const text of texts) {
    const value = restore(text);
    if (value === undefined) return undefined;
    out.push(value);
  }
  return out;
}

/** Whether bash would expand braces in a text. */
export function hasBraces(text: string): boolean {
  for (let open = text.indexOf("{"); open !== -1; open = text.indexOf("{", open + 1))
    if (bodyAt(text, open) !== undefined) return true;
  return false;
}

function expand(text: string): readonly string[] | undefined {
  for (let open = text.indexOf("{"); open !== -1; open = text.indexOf("{", open + 1)) {
    const body = bodyAt(text, open);
    if (body === undefined) continue;
    const tails = expand(text.slice(body.end + 1));
    if (tails === undefined) return undefined;
    // `{x..y..z}` is no sequence: it stays, and only what follows is looked at.
    const head = body.choices === undefined ? text.slice(0, body.end + 1) : text.slice(0, open);
    const out: string[] = [];
    for (const choice of body.choices ?? [""]) {
      const middles = body.sequence ? [choice] : expand(choice);
      if (middles === undefined) return undefined;
      for (const middle of middles)
        for (const tail of tails) {
          if (out.push(head + middle + tail) > MOST) return undefined;
        }
    }
    return out;
  }
  return [text];
}

interface Body {
  /** Undefined: not a sequence after all. */
  readonly choices: readonly string[] | undefined;
  readonly end: number;
  readonly sequence: boolean;
}

/**
 * The choices of the brace expression that opens at `open`; undefined when it is plain text. As in
 * bash a `}` closes only behind a comma or `..` of the same depth: `{a}x,b}` is `a}x b`.
 */
function bodyAt(text: string, open: number): Body | undefined {
  // `{}` at the beginning of a word is never looked into.
  if (open === 0 && text[1] === "}") return undefined;
  let depth = 0;
  let separated = false;
  const commas: number[] = [];
  for (let at = open + 1; at < text.length; at++) {
    const char = text[at];
    if (char === "{") depth++;
    else if (char === "}" && depth > 0) depth--;
    else if (char === "}" && separated) {
      const inside = text.slice(open + 1, at);
      if (!inside.includes(",")) return { choices: sequence(inside), end: at, sequence: true };
      const edges = [open, ...commas, at];
      const choices = edges.slice(1).map((edge, index) => text.slice((edges[index] ?? 0) + 1, edge));
      return { choices, end: at, sequence: false };
    } else if (depth === 0 && char === ",") {
      commas.push(at);
      separated = true;
    } else if (depth === 0 && text.startsWith("..", at) && text[at + 2] !== "}") separated = true;
  }
  return undefined;
}

/** `1..9`, `01..10..2`, `a..e`. */
function sequence(text: string): readonly string[] | undefined {
  const numbers = /^(-?\d+)\.\.(-?\d+)(?:\.\.(-?\d+))?$/.exec(text);
  if (numbers) {
    const [, first = "", last = "", step = "1"] = numbers;
    const width = /^-?0\d/.test(first) || /^-?0\d/.test(last) ? Math.max(first.length, last.length) : 0;
    return steps(Number(first), Number(last), Number(step), (value) => {
      const digits = String(Math.abs(value)).padStart(value < 0 ? width - 1 : width, "0");
      return value < 0 ? `-${digits}` : digits;
    });
  }
  const letters = /^([A-Za-z])\.\.([A-Za-z])(?:\.\.(-?\d+))?$/.exec(text);
  if (!letters) return undefined;
  const [, first = "", last = "", step = "1"] = letters;
  return steps(first.charCodeAt(0), last.charCodeAt(0), Number(step), (value) => String.fromCharCode(value));
}

function steps(
  first: number,
  last: number,
  step: number,
  show: (value: number) => string,
): readonly string[] | undefined {
  const by = Math.max(1, Math.abs(step));
  const count = Math.floor(Math.abs(last - first) / by) + 1;
  if (count > MOST) return undefined;
  return Array.from({ length: count }, (_, index) => show(first + (last >= first ? index : -index) * by));
}
