import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type TerminalEncoding,
  openTerminalFilter,
  terminalEncoding,
} from "../../../../src/core/layers/9-sandbox/terminal.ts";

function filtered(input: string | Uint8Array, encoding?: TerminalEncoding): Buffer {
  const filter = openTerminalFilter(encoding);
  const first = filter.push(typeof input === "string" ? Buffer.from(input) : input);
  return Buffer.concat([first, filter.end()]);
}

const shown = (input: string): string => filtered(input).toString("utf8");

/** Everything that may reach a terminal, written down a second time. */
const HARMLESS = new RegExp(
  String.raw`^(?:[^\u0000-\u001f\u007f-\u009f]|[\x08\t\n\r]|\u001b\[(?:[\d;:]*m|\d{0,4}[CDG]|[0-2]?K))*$`,
  "u",
);

describe("what passes", () => {
  it.each([
    "plain text, tabs\tand\r\nlines\n",
    "progress 10%\rprogress 20%\b\b\b30%",
    "\u001b[1;31mred\u001b[0m \u001b[38;5;8mgrey\u001b[m \u001b[48;2;8;8;8mdark\u001b[39;49m\u001b[0m",
    "\u001b[4:3mcurly\u001b[0m",
    "\u001b[2K\u001b[1Gagain\u001b[K\u001b[3D\u001b[12C",
    "grüße, 漢字, 👩‍👩‍👧, עברית",
  ])("%j as it is", (text) => expect(shown(text)).toBe(text));

  it("a colour that nobody ended ends with the command", () => {
    expect(shown("\u001b[31mred")).toBe("\u001b[31mred\u001b[0m");
    expect(shown("\u001b[31mred\u001b[00m")).toBe("\u001b[31mred\u001b[00m");
  });
});

describe("what is left out", () => {
  it.each([
    ["titles", "a\u001b]0;mine\u0007b\u001b]2;mine\u001b\\c", "abc"],
    ["links, but not their text", "\u001b]8;;https://example.org/\u0007link\u001b]8;;\u0007", "link"],
    ["movement out of the line", "a\u001b[1A\u001b[5;5Hb\u001b[2J\u001b[3Jc\u001b[10S", "abc"],
    ["modes that stay", "\u001b[?1049h\u001b[?25l\u001b[?2004h\u001b[?1000h\u001b[4hx\u001b>", "x"],
    ["questions", "\u001b[c\u001b[>c\u001b[6n\u001b[?6n\u001b[5n\u001bZ\u001b[?1$p\u001b[>qx", "x"],
    ["windows", "\u001b[8;1;1t\u001b[21t\u001b[22;0tx", "x"],
    ["repetition", "a\u001b[99999999bx", "ax"],
    ["character sets", "\u001b(0\u001b)B\u001b%Gx\u001b#8", "x"],
    ["a reset, a saved cursor", "\u001bc\u001b7\u001b8\u001bMx", "x"],
    ["hidden text", "\u001b[8mx\u001b[0;08my\u001b[38;5;1;8mz", "xyz"],
    ["bells and NUL", "a\u0007\u0000b", "ab"],
  ])("%s", (_what, text, left) => expect(shown(text)).toBe(left));
});

describe("what is shown", () => {
  it.each([
    ["the clipboard", "\u001b]52;c;ZXZpbA==\u0007", "^[]52;c;ZXZpbA=="],
    ["the clipboard, ended by ST", "\u001b]52;c;ZXZpbA==\u001b\\", "^[]52;c;ZXZpbA==^[\\"],
    ["colours of the whole terminal", "\u001b]4;1;?\u001b\\x", "^[]4;1;?^[\\x"],
    ["files", "\u001b]1337;File=:AAAA\u0007", "^[]1337;File=:AAAA"],
    ["device control", '\u001bP$q"p\u001b\\x', '^[P$q"p^[\\x'],
    ["APC, PM, SOS", "\u001b_a\u001b\\\u001b^b\u001b\\\u001bXc\u001b\\", "^[_a^[\\^[^b^[\\^[Xc^[\\"],
    ["8 bit controls in UTF-8", "\u009b6n\u009d52;c;x\u009c", "\\u{9b}6n\\u{9d}52;c;x\\u{9c}"],
    ["other control characters", "\u0005\u000e\u000f\u000c\u007f", "^E^N^O^L^?"],
    ["a sequence that is broken off", "\u001b[3\u001b[1mx", "^[[3\u001b[1mx\u001b[0m"],
    ["a sequence with a line end in it", "\u001b[3\n1mx", "^[[3\n1mx"],
    ["a title with a line end in it", "\u001b]0;a\nb\u0007", "^[]0;a\nb"],
    ["an ESC at the end", "x\u001b", "x^["],
    ["an ESC in front of a letter of another script", "\u001b\u00fc", "^[ü"],
    ["a title that does not end", "\u001b]0;abc", "^[]0;abc"],
    ["a title that is broken off", "\u001b]0;abc\u001b[31mx\u001b[m", "^[]0;abc\u001b[31mx\u001b[m"],
  ])("%s", (_what, text, left) => expect(shown(text)).toBe(left));

  it("bytes that are no UTF-8: raw controls, long forms, surrogates, halves", () => {
    const bytes = Uint8Array.of(
      0x9b,
      0x63,
      0xc0,
      0x9b,
      0xe0,
      0x80,
      0x9b,
      0xed,
      0xa0,
      0x80,
      0xf5,
      0xc3,
      0x41,
      0xe2,
    );
    expect(filtered(bytes).toString("latin1")).toBe(
      String.raw`\x9bc\xc0\x9b\xe0\x80\x9b\xed\xa0\x80\xf5\xc3A\xe2`,
    );
  });

  it("on a terminal of single bytes, those that begin a sequence there", () => {
    // The letter U+00DB is 0xc3 0x9b in UTF-8, and 0x9b is CSI.
    expect(filtered("\u00db6n", "bytes").toString("latin1")).toBe("\u00c3\\x9b6n");
    expect(filtered(Uint8Array.of(0xe4, 0xfc), "bytes").toString("latin1")).toBe("äü");
  });
});

describe("for any bytes", () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc
      .constantFrom(
        ..."\u001b[|\u001b]|\u001bP|\u001b]52;c;|\u001b]0;|\u0007|\u001b\\|\u001b|0m|31m|8m|6n|;|:|\u009b|漢|👩|\n|A|H".split(
          "|",
        ),
      )
      .map((text) => new Uint8Array(Buffer.from(text))),
  );
  const input = fc.array(piece, { maxLength: 30 }).map((pieces) => new Uint8Array(Buffer.concat(pieces)));

  it("only what is harmless comes out", () => {
    fc.assert(
      fc.property(input, (bytes) => {
        const out = filtered(bytes).toString("utf8");
        expect(out).toMatch(HARMLESS);
        expect(out).not.toContain("\ufffd");
      }),
      { numRuns: 3000, seed: 1 },
    );
    fc.assert(
      fc.property(input, (bytes) => {
        expect(filtered(bytes, "bytes").toString("latin1")).toMatch(HARMLESS);
      }),
      { numRuns: 1000, seed: 2 },
    );
  });

  it("it does not matter how they are cut", () => {
    fc.assert(
      fc.property(input, fc.array(fc.nat({ max: 40 })), (bytes, cuts) => {
        const filter = openTerminalFilter();
        const out: Uint8Array[] = [];
        let at = 0;
        for (const cut of cuts) out.push(filter.push(bytes.subarray(at, (at += cut))).slice());
        out.push(filter.push(bytes.subarray(at)).slice(), filter.end().slice());
        expect(Buffer.concat(out).equals(filtered(bytes))).toBe(true);
      }),
      { numRuns: 2000, seed: 3 },
    );
  });

  it("text without controls is unchanged", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const plain = text.replace(/\p{Cc}/gu, "");
        expect(shown(plain)).toBe(plain);
      }),
      { seed: 4 },
    );
  });

  it("what came out changes nothing when it is filtered again", () => {
    fc.assert(
      fc.property(input, (bytes) => {
        const once = filtered(bytes);
        expect(filtered(once).equals(once)).toBe(true);
      }),
      { seed: 5 },
    );
  });

  it("no sequence holds the output back for long", () => {
    for (const opening of ["\u001b]0;", "\u001b[", "\u001b ", "\u001bP", "\u001b]52;c;"]) {
      const filter = openTerminalFilter();
      filter.push(Buffer.from(opening));
      const out = Buffer.concat(
        ["; ".repeat(2000), "x"].map((text) => filter.push(Buffer.from(text)).slice()),
      );
      expect(out.toString()).toContain("x");
    }
  });
});

it("the encoding is told by the locale, the first variable that is set", () => {
  expect(terminalEncoding({})).toBe("utf8");
  expect(terminalEncoding({ LANG: "de_DE.UTF-8" })).toBe("utf8");
  expect(terminalEncoding({ LANG: "de_DE.utf8@euro" })).toBe("utf8");
  expect(terminalEncoding({ LANG: "C" })).toBe("utf8");
  expect(terminalEncoding({ LANG: "de_DE.UTF-8", LC_ALL: "de_DE.ISO-8859-1" })).toBe("bytes");
  expect(terminalEncoding({ LC_ALL: "", LC_CTYPE: "ru_RU.KOI8-R" })).toBe("bytes");
  expect(terminalEncoding({ LANG: "de_DE" })).toBe("bytes");
});
