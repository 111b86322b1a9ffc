import { isObject, type Json, type JsonObject } from "../../call/json.ts";
import type { ToolCall } from "../../call/call.ts";
import { kindOf } from "./judge.ts";
import { classOfName, wordSet } from "./names.ts";
import { redact, redactKnown } from "./redact.ts";

/** SHA-256 of a text's UTF-8 bytes, in hexadecimal. The core has no hash of its own. */
export type Digest = (text: string) => string;

/** Stands for file contents: enough to tell whether two calls carried the same text. */
export interface Withheld {
  /** UTF-16 units. */
  readonly length: number;
  /** The first 16 hexadecimal digits of the SHA-256. */
  readonly sha256: string;
}

/** How much of a call is kept. In characters, items and levels. */
export const LIMITS = { command: 8192, text: 1024, name: 128, items: 64, depth: 6 } as const;

/** Input keys that carry file contents, without separators and in lower case. */
const CONTENTS = wordSet(
  "content contents oldstring newstring oldstr newstr newsource filetext inserttext oldtext newtext",
  "diff patch body data blob base64 bytes",
);
const ENVIRONMENTS = wordSet("env environment envvars environmentvariables");

/** What a key, or one above it, says of the strings below. */
type Holds = "texts" | "contents" | "secrets";

function holdsOf(key: string, plain: string): Holds {
  if (CONTENTS.has(plain)) return "contents";
  const named = classOfName(key);
  return named === "password" || named === "secret" ? "secrets" : "texts";
}

/** The hash that stands for a text which is not stored. */
export function withheld(text: string, digest: Digest): Withheld {
  return { length: text.length, sha256: digest(text).slice(0, 16) };
}

/** At most `limit` characters of `text`, never half a surrogate pair, with what is missing told. */
export function clip(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const last = text.charCodeAt(limit - 1);
  const end = last >= 0xd800 && last <= 0xdbff ? limit - 1 : limit;
  return `${text.slice(0, end)}[cut: ${text.length - end} characters]`;
}

/** A tool's input as it is stored, and the secrets that were taken out of it. */
export interface NormalisedInput {
  readonly input: JsonObject;
  /** Never stored; for `redactKnown` on texts that quote the call. */
  readonly found: readonly string[];
}

/**
 * The input of a call as the log keeps it: commands and other texts redacted and clipped, file
 * contents as length and hash, environments as names only. Unknown keys of unknown tools are
 * treated as texts.
 *
 * INVARIANT: bounded in size and depth, whatever the input is.
 */
export function normaliseInput(call: ToolCall, digest: Digest): NormalisedInput {
  const found: string[] = [];
  const text = (value: string, limit: number): string => {
    const redaction = redact(value);
    found.push(...redaction.found);
    return clip(redaction.text, limit);
  };
  const scalar = (value: number | string): string => {
    found.push(String(value));
    return "[redacted:secret]";
  };

  const leaf = (value: string, key: string, plain: string, holds: Holds): Json => {
    if (holds === "contents") return { ...withheld(value, digest) };
    const named = classOfName(key) !== "none" && kindOf(key, value, "tight", true) !== undefined;
    if (value !== "" && (holds === "secrets" || named)) return scalar(value);
    return text(value, plain === "command" ? LIMITS.command : LIMITS.text);
  };

  const walk = (value: Json | undefined, key: string, inherited: Holds, depth: number): Json | undefined => {
    const plain = key.replace(/[-_]/g, "").toLowerCase();
    const holds = inherited === "texts" ? holdsOf(key, plain) : inherited;
    if (value === undefined || value === null || typeof value === "boolean") return value;
    if (typeof value === "number")
      return holds === "secrets" && Math.abs(value) > 999_999 ? scalar(value) : value;
    if (typeof value === "string") return leaf(value, key, plain, holds);
    if (depth >= LIMITS.depth) return "[cut: nested too deeply]";
    if (!isObject(value)) {
      const items: (Json | undefined)[] = value
        .slice(0, LIMITS.items)
        .map((item) => walk(item, "", holds, depth + 1));
      if (value.length > LIMITS.items) items.push(`[cut: ${value.length - LIMITS.items} items]`);
      return items.map((item) => item ?? null);
    }
    if (ENVIRONMENTS.has(plain))
      return Object.keys(value)
        .slice(0, LIMITS.items)
        .map((name) => text(name, LIMITS.name));
    return object(value, holds, depth + 1);
  };

  const object = (value: JsonObject, holds: Holds, depth: number): JsonObject => {
    const entries = Object.entries(value);
    const out = entries
      .slice(0, LIMITS.items)
      .map(([key, item]) => [text(key, LIMITS.name), walk(item, key, holds, depth)] as const);
    const rest = entries.length - LIMITS.items;
    return Object.fromEntries(rest > 0 ? [...out, ["[cut]", `${rest} keys`] as const] : out);
  };

  const input = object(call.input, "texts", 0);
  return { input, found };
}

/** A text that quotes the call, without the secrets of the call, clipped. */
export function quoted(text: string, found: readonly string[], limit: number = LIMITS.text): string {
  return clip(redactKnown(text, found), limit);
}
