/** What a stretch of text looks like, for telling a random credential from a word. */
export interface Looks {
  readonly letters: number;
  readonly digits: number;
  /** Both cases occur. */
  readonly mixed: boolean;
  /** Nothing but hexadecimal digits. */
  readonly hex: boolean;
  /** Length of the longest run of letters and digits. */
  readonly run: number;
  /** Shannon entropy in bits a character; all characters beyond ASCII count as one. */
  readonly entropy: number;
}

export function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

export function isUpper(code: number): boolean {
  return code >= 65 && code <= 90;
}

export function isLower(code: number): boolean {
  return code >= 97 && code <= 122;
}

export function isAlnum(code: number): boolean {
  return isDigit(code) || isUpper(code) || isLower(code);
}

function isHex(code: number): boolean {
  return isDigit(code) || (code >= 97 && code <= 102) || (code >= 65 && code <= 70);
}

/** Counts over `text`, in time linear in its length. */
export function looksOf(text: string): Looks {
  const counts = Array.from<number>({ length: 129 }).fill(0);
  let [uppers, lowers, digits, hex, run, current] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    const slot = Math.min(code, 128);
    counts[slot] = (counts[slot] ?? 0) + 1;
    if (isUpper(code)) uppers += 1;
    else if (isLower(code)) lowers += 1;
    else if (isDigit(code)) digits += 1;
    if (isHex(code)) hex += 1;
    current = isAlnum(code) ? current + 1 : 0;
    run = Math.max(run, current);
  }
  let entropy = 0;
  for (const count of counts)
    if (count > 0) entropy -= (count / text.length) * Math.log2(count / text.length);
  return {
    letters: uppers + lowers,
    digits,
    mixed: uppers > 0 && lowers > 0,
    hex: text.length > 0 && hex === text.length,
    run,
    entropy,
  };
}

/**
 * True for text that is hardly a word, a version or a path: long enough, letters and digits
 * mixed. Assumes nothing of the name beside it.
 */
export function isPlausible(text: string): boolean {
  if (text.length < 12) return false;
  const looks = looksOf(text);
  return looks.digits > 0 && looks.letters > 0 && looks.run >= 8 && looks.entropy >= 2.8;
}

/** True for a long random string of a wide alphabet. A digest in hexadecimal is not one. */
export function isRandom(text: string): boolean {
  if (text.length < 32) return false;
  const looks = looksOf(text);
  return !looks.hex && looks.digits >= 2 && looks.letters >= 6 && looks.run >= 20 && looks.entropy >= 3.7;
}
