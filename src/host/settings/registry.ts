import type { FileReading } from "./read-file.ts";

/**
 * True when the output of `reg.exe query KEY` names a key below it; names differ in no more than
 * their case. True also where the output is no list of keys: then it has to be asked for.
 */
export function namesKey(output: Uint8Array, key: string): boolean {
  const lines = linesOf(output);
  if (lines.every((line) => line.trim() === "")) return false;
  const wanted = key.toLowerCase();
  return (
    !lines.some((line) => line.startsWith("HKEY_")) || lines.some((line) => line.toLowerCase() === wanted)
  );
}

/**
 * The text of a value in the output of `reg.exe query KEY`; absent where no line begins with it.
 *
 * `reg.exe` prints in the code page of the console and puts `?` where that has no such character.
 * So that no rule changes on the way, text with anything but ASCII or with a `?` is a fault.
 */
export function readKey(output: Uint8Array, name: string): FileReading {
  const text = linesOf(output).join("\n");
  const escaped = name.replaceAll(/[^A-Za-z]/g, String.raw`\$&`);
  const head = new RegExp(`^ {4}${escaped} {4}(REG_[A-Z_]+)(?: {4}|$)`, "im").exec(text);
  if (head === null) return { kind: "absent" };
  const [whole, type = ""] = head;
  if (type !== "REG_SZ") return { kind: "fault", why: `is a ${type} value, not REG_SZ` };
  const value = text.slice(head.index + whole.length).trim();
  if (/[^\t\n\x20-\x7e]/.test(value))
    return {
      kind: "fault",
      why: "holds characters beyond ASCII, which cannot be read safely; write them as `\\uXXXX`",
    };
  if (value.includes("?"))
    return { kind: "fault", why: "holds a `?`, which may stand for another character; write `\\u003f`" };
  return { kind: "bytes", bytes: new TextEncoder().encode(value) };
}

/** Byte by byte, whatever the code page: below 128 all of them agree. */
function linesOf(output: Uint8Array): readonly string[] {
  return new TextDecoder("latin1").decode(output).replaceAll("\r\n", "\n").split("\n");
}
