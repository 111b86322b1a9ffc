import { describe, expect, it } from "vitest";
import { command } from "../../src/cli/sandbox.ts";
import { check } from "../core/layers/9-sandbox/seatbelt/grammar.ts";
import { runIn, scene } from "./scene.ts";

describe("cordon sandbox --plan --platform macos", () => {
  it("prints a profile that Seatbelt can read, and what its parameters are", async () => {
    const at = scene();
    const { status, out, err } = await runIn(at, command, ["--plan", "--platform", "macos", "--", "true"]);
    expect({ status, err }).toEqual({ status: 0, err: "" });
    const values = [...out.matchAll(/^; ([PR]\d+) = (".*")$/gm)].map(([, name = "", value = ""]) => {
      const text: unknown = JSON.parse(value);
      return [name, String(text)] as const;
    });
    expect(check(out, new Map(values)).length).toBeGreaterThan(50);
    expect(values.map(([, value]) => value)).toContain(at.project);
  });

  it("is not given without a plan to print, or for another system", async () => {
    const at = scene();
    for (const argv of [
      ["--platform", "macos", "--", "true"],
      ["--plan", "--platform", "windows", "--", "true"],
    ]) {
      const { status, err } = await runIn(at, command, argv);
      expect(status).toBe(64);
      expect(err).toContain("--platform goes with --plan");
    }
  });
});
