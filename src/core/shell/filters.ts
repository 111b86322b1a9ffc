/** Longest text that is guessed at. */
const LONGEST_GUESS = 16_384;

/** What `echo` or `printf` prints with these operands. */
export function formatted(name: string, operands: readonly string[]): string | undefined {
  if (name === "echo") {
    const options = operands.findIndex((text) => !/^-[neE]+$/.test(text));
    const texts = options === -1 ? [] : operands.slice(options);
    const escapes = operands.slice(0, options).some((text) => text.includes("e"));
    return bounded(escapes ? unescaped(texts.join(" ")) : texts.join(" "));
  }
  const [format, ...values] = operands[0] === "--" ? operands.slice(1) : operands;
  if (format === undefined || format === "-v") return undefined;
  let text = "";
  const left = [...values];
  do {
    text += unescaped(format).replace(/%(?:%|[-+ #0-9.*]*([a-zA-Z]))/g, (whole, verb: string | undefined) => {
      if (verb === undefined) return "%";
      const value = left.shift() ?? "";
      return verb === "b" ? unescaped(value) : /[sqdiuc]/.test(verb) ? value : whole;
    });
  } while (
    left.length > 0 &&
    left.length < values.length &&
    /%[^%]/.test(format) &&
    text.length < LONGEST_GUESS
  );
  return bounded(text);
}

/** What a filter makes of a text; undefined for one that is not followed. */
export function filtered(name: string, operands: readonly string[], text: string): string | undefined {
  const has = (...options: readonly string[]): boolean => options.some((option) => operands.includes(option));
  switch (name) {
    case "cat":
    case "tee":
    case "head":
    case "tail":
    case "sort":
    case "uniq":
    case "fold":
    // What these change is not followed; most of it stays.
    case "sed":
    case "grep":
    case "egrep":
    case "awk":
    case "cut":
    case "strings":
    case "xargs":
      return text;
    case "base64":
    case "gbase64":
      return has("-d", "-D", "--decode", "-di", "-id") ? fromBase64(text) : undefined;
    case "openssl":
      return has("base64", "-base64", "-a") && has("-d") ? fromBase64(text) : undefined;
    case "xxd":
      return has("-r") || has("-rp") || has("-pr") ? fromHex(text) : undefined;
    case "rev":
      return text
        .split("\n")
        .map((line) => Array.from(line).toReversed().join(""))
        .join("\n");
    case "tac":
      return text.split("\n").toReversed().join("\n");
    case "tr":
      return translated(operands, text);
    default:
      return undefined;
  }
}

function bounded(text: string): string | undefined {
  return text.length > LONGEST_GUESS ? undefined : text;
}

/** Backslash escapes as `echo -e` and `printf` know them. */
function unescaped(text: string): string {
  return text.replace(
    /\\(?:x([0-9a-fA-F]{1,2})|0?([0-7]{1,3})|(.))/gs,
    (_, hex: string | undefined, octal: string | undefined, letter: string | undefined) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
      return letter === "n" ? "\n" : letter === "t" ? "\t" : `${letter === "\\" ? "" : "\\"}${letter ?? ""}`;
    },
  );
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function fromBase64(text: string): string | undefined {
  let out = "";
  let bits = 0;
  let held = 0;
  for (const letter of text.replace(/-/g, "+").replace(/_/g, "/")) {
    const value = BASE64.indexOf(letter);
    if (letter === "=" || /\s/.test(letter)) continue;
    if (value === -1) return undefined;
    held = (held << 6) | value;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out += String.fromCharCode((held >> bits) & 0xff);
    held &= (1 << bits) - 1;
  }
  return out;
}

function fromHex(text: string): string | undefined {
  const digits = text.replace(/\s/g, "");
  if (digits.length % 2 !== 0 || /[^0-9a-fA-F]/.test(digits)) return undefined;
  return (digits.match(/../g) ?? []).map((pair) => String.fromCharCode(Number.parseInt(pair, 16))).join("");
}

/** `tr SET1 SET2` and `tr -d SET`, with ranges. */
function translated(operands: readonly string[], text: string): string | undefined {
  const [first, second] = operands.filter((operand) => !/^-[dsc]+$/.test(operand)).map(members);
  if (first === undefined) return undefined;
  if (operands.includes("-d"))
    return Array.from(text)
      .filter((letter) => !first.includes(letter))
      .join("");
  if (second === undefined || second.length === 0) return undefined;
  return Array.from(text)
    .map((letter) => {
      const at = first.indexOf(letter);
      return at === -1 ? letter : (second[at] ?? second.at(-1) ?? "");
    })
    .join("");
}

function members(set: string): readonly string[] {
  const named = set
    .replace("[:upper:]", "A-Z")
    .replace("[:lower:]", "a-z")
    .replace("[:space:]", " \t\n")
    .replace(/^\[(.-.)\]$/, "$1");
  return [...unescaped(named).matchAll(/(.)-(.)|(.)/gs)].flatMap(([, from, to, single]) => {
    if (single !== undefined || from === undefined || to === undefined) return [single ?? ""];
    const [low, high] = [from.charCodeAt(0), to.charCodeAt(0)];
    return Array.from({ length: Math.max(high - low + 1, 0) }, (_, at) => String.fromCharCode(low + at));
  });
}
