/** Makes the output of a command harmless for the terminal it goes to. One stream each. */
export interface TerminalFilter {
  /** What of the next bytes is to be written; a sequence that is not complete yet is held back. */
  readonly push: (bytes: Uint8Array) => Uint8Array;
  /** What was held back, made visible, and the end of any colour. The filter is as new afterwards. */
  readonly end: () => Uint8Array;
}

/** `bytes`: a terminal that reads one byte as one character, where 0x9b begins a sequence. */
export type TerminalEncoding = "utf8" | "bytes";

/** Longest control sequence that is looked at as one, bytes. */
const MOST_SEQUENCE = 64;
/** Longest operating system command that is looked at as one, bytes. */
const MOST_STRING = 2048;

const BS = 0x08;
const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const BEL = 0x07;
const ESC = 0x1b;
const DEL = 0x7f;

/**
 * Titles, working directory, links, progress, marks of the shell: what a program means well with
 * and a person does not miss. Everything else of this kind (the clipboard, files, colours of the
 * whole terminal, questions) is shown as text.
 */
const QUIET_STRINGS: readonly string[] = ["0", "1", "2", "7", "8", "9", "133", "633"];

/**
 * A filter between a command nobody trusts and a person's terminal. It keeps text, line ends, tabs,
 * backspace, colours, and movement and erasure within the line; leaves out other escape sequences;
 * and makes visible what talks to the terminal in strings (clipboard, device control) and control
 * characters of both kinds, 8 bit ones and those in UTF-8.
 *
 * INVARIANT: the output, from start to `end`, is made of printable characters, the four allowed
 * control characters, and complete sequences `ESC [ ... m|C|D|G|K`; nothing in it makes a terminal
 * answer, and no state but the place in the line stays. What is held back is at most 2 KiB.
 *
 * Bytes that are no UTF-8 are shown as `\x9b`. Directions of writing and characters without width
 * pass: they are text.
 */
export function openTerminalFilter(encoding: TerminalEncoding = "utf8"): TerminalFilter {
  const state: State = { kind: "text", held: [], styled: false };
  return {
    push: (bytes) => {
      const out = openSink(bytes.length + 64);
      for (let at = 0; at < bytes.length;) {
        const plain = state.kind === "text" && state.held.length === 0 ? plainUntil(bytes, at) : at;
        out.copy(bytes.subarray(at, plain));
        at = plain + 1;
        const byte = bytes[plain];
        if (byte !== undefined) take(state, byte, out, encoding);
      }
      return out.bytes();
    },
    end: () => {
      const out = openSink(64);
      giveUp(state, out, encoding);
      for (const byte of state.held.splice(0)) out.text(visibleByte(byte));
      if (state.styled) out.text("\u001b[0m");
      state.styled = false;
      return out.bytes();
    },
  };
}

interface State {
  /** `text`: `held` is the begin of a character. Else: of a sequence, from its ESC on. */
  kind: "text" | "escape" | "control" | "string" | "string-escape";
  held: number[];
  styled: boolean;
}

/** The end of the run of printable ASCII that begins at `from`. */
function plainUntil(bytes: Uint8Array, from: number): number {
  let at = from;
  for (let byte = bytes[at] ?? 0; byte >= 0x20 && byte < DEL; byte = bytes[at] ?? 0) at += 1;
  return at;
}

function take(state: State, byte: number, out: Sink, encoding: TerminalEncoding): void {
  switch (state.kind) {
    case "text":
      takeText(state, byte, out, encoding);
      return;
    case "escape":
      takeEscape(state, byte, out, encoding);
      return;
    case "control":
      takeControl(state, byte, out, encoding);
      return;
    case "string":
    case "string-escape":
      takeString(state, byte, out, encoding);
  }
}

function takeText(state: State, byte: number, out: Sink, encoding: TerminalEncoding): void {
  if (state.held.length > 0) {
    const character = [...state.held, byte];
    if (isContinuation(character)) {
      state.held = character;
      if (character.length === lengthOf(character[0] ?? 0)) {
        state.held = [];
        emitCharacter(character, out);
      }
      return;
    }
    for (const each of state.held.splice(0)) out.text(visibleByte(each));
  }
  if (byte >= 0x20 && byte < DEL) out.byte(byte);
  else if (byte === LF || byte === CR || byte === TAB || byte === BS) out.byte(byte);
  else if (byte === ESC) begin(state, "escape", byte);
  else if (byte === 0 || byte === BEL) return;
  else if (byte < 0x20 || byte === DEL) out.text(visibleByte(byte));
  else if (encoding === "bytes" && byte >= 0xa0) out.byte(byte);
  else if (encoding === "utf8" && lengthOf(byte) > 1) state.held = [byte];
  else out.text(visibleByte(byte));
}

function takeEscape(state: State, byte: number, out: Sink, encoding: TerminalEncoding): void {
  const [, intermediate] = state.held;
  if (intermediate === undefined && byte === 0x5b) add(state, "control", byte);
  else if (intermediate === undefined && byte === 0x5d) add(state, "string", byte);
  // DCS, SOS, PM, APC: shown from here on. ST ends what was shown.
  else if (intermediate === undefined && [0x50, 0x58, 0x5c, 0x5e, 0x5f].includes(byte))
    again(state, byte, out, encoding);
  else if (byte >= 0x20 && byte < 0x30 && state.held.length < MOST_SEQUENCE) add(state, "escape", byte);
  // Character sets, saved cursors, resets: left out.
  else if (byte >= 0x30 && byte < DEL) leaveOut(state);
  else again(state, byte, out, encoding);
}

function takeControl(state: State, byte: number, out: Sink, encoding: TerminalEncoding): void {
  if (byte < 0x20 || byte >= DEL || state.held.length >= MOST_SEQUENCE) {
    again(state, byte, out, encoding);
  } else if (byte < 0x40) {
    add(state, "control", byte);
  } else {
    const sequence = String.fromCharCode(...state.held, byte);
    const isColour = sequence.endsWith("m");
    if (isAllowed(sequence)) {
      out.text(sequence);
      if (isColour) state.styled = !/\[0*m$/.test(sequence);
    }
    leaveOut(state);
  }
}

function takeString(state: State, byte: number, out: Sink, encoding: TerminalEncoding): void {
  const ended = byte === BEL || (state.kind === "string-escape" && byte === 0x5c);
  if (ended && QUIET_STRINGS.includes(numberOf(state.held))) leaveOut(state);
  else if (state.kind === "string" && byte === ESC && state.held.length < MOST_STRING)
    state.kind = "string-escape";
  else if (state.kind === "string" && byte >= 0x20 && byte !== DEL && state.held.length < MOST_STRING)
    state.held.push(byte);
  else again(state, byte, out, encoding);
}

/** Shows what was held back as text, and takes `byte` as what follows it. */
function again(state: State, byte: number, out: Sink, encoding: TerminalEncoding): void {
  giveUp(state, out, encoding);
  take(state, byte, out, encoding);
}

/** Shows the sequence that was held back. There is no second ESC in it, but perhaps one at its end. */
function giveUp(state: State, out: Sink, encoding: TerminalEncoding): void {
  if (state.kind === "text") return;
  const { kind, held } = state;
  leaveOut(state);
  out.text(visibleByte(ESC));
  for (const byte of held.slice(1)) take(state, byte, out, encoding);
  if (kind !== "string-escape") return;
  for (const byte of state.held.splice(0)) out.text(visibleByte(byte));
  begin(state, "escape", ESC);
}

function begin(state: State, kind: State["kind"], byte: number): void {
  state.kind = kind;
  state.held = [byte];
}

function add(state: State, kind: State["kind"], byte: number): void {
  state.kind = kind;
  state.held.push(byte);
}

function leaveOut(state: State): void {
  state.kind = "text";
  state.held = [];
}

function isAllowed(sequence: string): boolean {
  const body = sequence.slice(2);
  if (/^\d{0,4}[CDG]$/.test(body) || /^[0-2]?K$/.test(body)) return true;
  return /^[\d;:]*m$/.test(body) && !conceals(body.slice(0, -1));
}

/** SGR 8 hides the text after it; 8 as the number of a colour does not. */
function conceals(parameters: string): boolean {
  const fields = parameters.split(";");
  for (let index = 0; index < fields.length; index += 1) {
    const [head] = (fields[index] ?? "").split(":");
    if (Number(head) === 8) return true;
    if (["38", "48", "58"].includes(fields[index] ?? "")) {
      const model = Number(fields[index + 1]);
      index += model === 5 ? 2 : model === 2 ? 4 : 0;
    }
  }
  return false;
}

/** The number an operating system command begins with. */
function numberOf(held: readonly number[]): string {
  const text = String.fromCharCode(...held.slice(2, 8));
  return /^(\d+)(?:;|$)/.exec(text)?.[1] ?? "";
}

/** Bytes of the UTF-8 character that begins so; 1 where none does. */
function lengthOf(first: number): number {
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  return first >= 0xf0 && first <= 0xf4 ? 4 : 1;
}

/** True while the bytes are a character or may become one: no long forms, no surrogates, nothing above U+10FFFF. */
function isContinuation(bytes: readonly number[]): boolean {
  const [first = 0, second = 0] = bytes;
  const last = bytes.at(-1) ?? 0;
  if (last < 0x80 || last > 0xbf) return false;
  if (bytes.length !== 2) return true;
  if (first === 0xe0) return second >= 0xa0;
  if (first === 0xed) return second <= 0x9f;
  if (first === 0xf0) return second >= 0x90;
  return first !== 0xf4 || second <= 0x8f;
}

function emitCharacter(bytes: readonly number[], out: Sink): void {
  const [first, second = 0] = bytes;
  if (first === 0xc2 && second < 0xa0) out.text(`\\u{${second.toString(16)}}`);
  else for (const byte of bytes) out.byte(byte);
}

/** In the notation of `cat -v`, or as an escape where that has none. */
function visibleByte(byte: number): string {
  if (byte === DEL) return "^?";
  return byte < 0x20 ? `^${String.fromCharCode(byte + 0x40)}` : `\\x${byte.toString(16)}`;
}

interface Sink {
  readonly byte: (byte: number) => void;
  readonly copy: (bytes: Uint8Array) => void;
  readonly text: (ascii: string) => void;
  readonly bytes: () => Uint8Array;
}

function openSink(room: number): Sink {
  let buffer = new Uint8Array(room);
  let length = 0;
  const reserve = (more: number): void => {
    if (length + more <= buffer.length) return;
    const wider = new Uint8Array(2 * (length + more));
    wider.set(buffer);
    buffer = wider;
  };
  const byte = (value: number): void => {
    reserve(1);
    buffer[length] = value;
    length += 1;
  };
  return {
    byte,
    copy: (bytes) => {
      reserve(bytes.length);
      buffer.set(bytes, length);
      length += bytes.length;
    },
    text: (ascii) => {
      for (let index = 0; index < ascii.length; index += 1) byte(ascii.charCodeAt(index));
    },
    bytes: () => buffer.subarray(0, length),
  };
}

/**
 * How the terminal of a person reads bytes, by the variables of the locale. UTF-8 unless a locale
 * is named that has another character set; one without a set is an old 8 bit one.
 */
export function terminalEncoding(
  environment: Readonly<Record<string, string | undefined>>,
): TerminalEncoding {
  const locale = ["LC_ALL", "LC_CTYPE", "LANG"].map((name) => environment[name]).find((text) => text);
  if (locale === undefined || /^(?:C|POSIX)$/.test(locale)) return "utf8";
  return /\.utf-?8(?:@|$)/i.test(locale) ? "utf8" : "bytes";
}
