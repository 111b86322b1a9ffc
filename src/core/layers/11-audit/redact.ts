import { keyBlocks, manifestValues, nearbyStrings, shapedTokens, urlCredentials } from "./tokens.ts";
import { commandValues } from "./options.ts";
import { looksOf } from "./entropy.ts";
import { quotesOf } from "./scan.ts";
import { namedValues, type Finding } from "./values.ts";

/** Text of which only this much is looked at; the rest is cut off and its length told. */
export const WINDOW = 32_768;

/** More different secrets than this in one call are not looked for again. */
const REPEATS = 64;

/** A text without its secrets, and what they were, for finding them again in other texts. */
export interface Redaction {
  readonly text: string;
  /** The secrets as written and with quotes removed. Never stored. */
  readonly found: readonly string[];
}

/**
 * `text` with every secret it can recognise as `[redacted:KIND]`: known forms of tokens, private
 * keys, passwords in addresses, headers, and values whose name or option says that they are
 * secret. What it does not recognise stays.
 *
 * INVARIANT: total and linear in the length of the text, whatever the text is. Text beyond
 * `WINDOW` characters is dropped, so that no secret stays there. A secret that was recognised in
 * one place and does not look like an ordinary word is gone from the whole text.
 */
export function redact(text: string): Redaction {
  const cut = text.length > WINDOW;
  const head = cut ? text.slice(0, WINDOW) : text;
  const findings = [
    ...keyBlocks(head),
    ...shapedTokens(head),
    ...urlCredentials(head),
    ...manifestValues(head),
    ...commandValues(head),
    ...namedValues(head, quotesOf(head)),
    ...nearbyStrings(head),
  ];
  const merged = merge(findings);
  const pieces: string[] = [];
  const found: string[] = [];
  // Each finding, not only what they became together: a token inside a longer one counts alone elsewhere.
  for (const { from, to } of [...merged, ...findings]) {
    const raw = head.slice(from, to);
    found.push(raw);
    const plain = raw.replace(/["'\\]/g, "");
    if (plain !== raw && plain !== "") found.push(plain);
  }
  const again = [...new Set(found)].filter(isUnusual).sort((a, b) => b.length - a.length);
  let at = 0;
  for (const { from, to, kind } of merged) {
    pieces.push(withoutAll(head.slice(at, from), again), `[redacted:${kind}]`);
    at = to;
  }
  pieces.push(withoutAll(head.slice(at), again));
  if (cut) pieces.push(`[cut: ${text.length - WINDOW} characters]`);
  return { text: pieces.join(""), found: [...new Set(found)] };
}

/** Overlapping findings become one, named after the first kind found for it. */
function merge(findings: readonly Finding[]): readonly Finding[] {
  const order = findings
    .map((finding, rank) => ({ ...finding, rank }))
    .filter((finding) => finding.to > finding.from);
  order.sort((a, b) => a.from - b.from || a.rank - b.rank);
  const out: (Finding & { readonly rank: number })[] = [];
  for (const finding of order) {
    const last = out.at(-1);
    if (last === undefined || finding.from >= last.to) {
      out.push(finding);
      continue;
    }
    const best = finding.rank < last.rank ? finding : last;
    out[out.length - 1] = {
      from: last.from,
      to: Math.max(last.to, finding.to),
      kind: best.kind,
      rank: best.rank,
    };
  }
  return out;
}

/**
 * `text` redacted by itself, and without any of the secrets found elsewhere in the same call.
 * A secret of fewer than six characters is replaced only where it is a word of its own.
 */
export function redactKnown(text: string, found: readonly string[]): string {
  const head = text.length > WINDOW ? text.slice(0, WINDOW) : text;
  return redact(
    withoutAll(
      head,
      [...new Set(found)].sort((a, b) => b.length - a.length),
    ),
  ).text;
}

/**
 * A word that would hardly stand in a command for another reason. Ordinary words stay, or a
 * command could be hidden from the log by giving its text to a variable named like a secret.
 */
function isUnusual(secret: string): boolean {
  return secret.length >= 6 && !/\s/.test(secret) && /[^A-Za-z-]/.test(secret) && looksOf(secret).run >= 4;
}

/** `secrets`: longest first. */
function withoutAll(text: string, secrets: readonly string[]): string {
  let out = text;
  for (const secret of secrets.slice(0, REPEATS)) out = without(out, secret);
  return out;
}

function without(text: string, secret: string): string {
  if (secret.trim().length < 3 || !text.includes(secret)) return text;
  if (secret.length >= 6) return text.replaceAll(secret, "[redacted:repeated]");
  const pieces: string[] = [];
  let at = 0;
  let next = text.indexOf(secret);
  while (next !== -1) {
    const end = next + secret.length;
    const alone = !/\w/.test(text.charAt(next - 1)) && !/\w/.test(text.charAt(end));
    pieces.push(text.slice(at, alone ? next : end), alone ? "[redacted:repeated]" : "");
    at = end;
    next = text.indexOf(secret, end);
  }
  return pieces.join("") + text.slice(at);
}
