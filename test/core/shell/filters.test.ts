import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { filtered, formatted } from "../../../src/core/shell/filters.ts";

const run = (program: string, args: readonly string[], input = ""): string =>
  spawnSync(program, args, { input, encoding: "utf8" }).stdout;

describe("what a text seems to become", () => {
  const letters = fc.string({
    unit: fc.constantFrom(...Array.from("abcXYZ 019-_/.")),
    minLength: 1,
    maxLength: 40,
  });

  it("is what base64, tr and bash's printf and echo make of it", () => {
    fc.assert(
      fc.property(letters, (text) => {
        const coded = Buffer.from(text).toString("base64");
        expect(filtered("base64", ["-d"], coded)).toBe(text);
        expect(filtered("xxd", ["-r", "-p"], Buffer.from(text).toString("hex"))).toBe(text);
      }),
    );
    for (const [args, input] of [
      [["a-z", "n-za-m"], "uryyb jbeyq"],
      [["-d", "x"], "axbxc"],
      [["A-Z", "a-z"], "GIT Push"],
      [["[:upper:]", "[:lower:]"], "GIT"],
      [["abc", "x"], "aabbccdd"],
    ] as const)
      expect(filtered("tr", args, input), args.join(" ")).toBe(run("tr", args, input));
    for (const words of [
      ["%s", "a"],
      ["%s ", "a", "b", "c"],
      ["\\x67it"],
      ["\\147it %s\\n", "x"],
      ["%b", "a\\tb"],
      ["a%%b"],
    ])
      expect(formatted("printf", words), words.join(" ")).toBe(
        run("bash", ["-c", 'printf "$@"', "_", ...words]),
      );
    for (const words of [["-e", "\\x67it"], ["a", "b"], ["-ne", "a\\tb"], ["a\\tb"]])
      expect(formatted("echo", words)?.trimEnd(), words.join(" ")).toBe(
        run("bash", ["-c", 'echo "$@"', "_", ...words]).trimEnd(),
      );
  });
  it("is not guessed where the filter is not followed", () => {
    expect(filtered("jq", ["."], "a")).toBeUndefined();
    expect(filtered("base64", [], "a")).toBeUndefined();
    expect(filtered("base64", ["-d"], "!!")).toBeUndefined();
    expect(formatted("printf", [])).toBeUndefined();
  });
});
