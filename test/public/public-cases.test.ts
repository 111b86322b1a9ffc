import { describe, expect, it } from "vitest";
import { scoreRules } from "./rules.ts";
import { scoreAttacks, scoreBenign, scoreBypass, scoreCompat, scoreTraps } from "./score.ts";
import { SHARED } from "./shared.ts";

// Other people's cases are not part of the repository; a run without them says so.
if (SHARED === undefined)
  process.stderr.write("test/public: SKIPPED, no shared cases; set CORDON_SHARED to their directory\n");

describe.skipIf(SHARED === undefined)("cases of others", () => {
  it("settings files written for another agent decide as they did there", () => {
    const { rows, satisfied, overDenied, misses } = scoreCompat();
    expect(rows).toBeGreaterThan(1000);
    expect(misses.map(({ row, decision }) => `${row.id} ${decision.verdict} ${decision.code}`)).toEqual([]);
    expect(satisfied / rows).toBeGreaterThanOrEqual(0.97);
    expect(overDenied).toBe(0);
  });

  it("documented rule semantics hold but for two rows, where cordon is stricter", () => {
    const missed = scoreRules().filter(({ holds }) => !holds);
    expect(missed.map(({ row }) => row.id).toSorted()).toEqual(["rul-0a139e4487", "rul-adc2db94e3"]);
  });

  it("at most 10 attacks of the first tier are allowed unseen", () => {
    const { rows, wrong } = scoreAttacks(1);
    expect(rows).toBe(1982);
    expect(wrong.length).toBeLessThanOrEqual(10);
  });

  it("bypassPermissions stops at least 85 % of what has to be denied", () => {
    const { rows, wrong } = scoreBypass();
    expect(rows).toBeGreaterThan(1000);
    expect(wrong.length / rows).toBeLessThanOrEqual(0.15);
  });

  it("no trap is denied", () => {
    const { rows, wrong } = scoreTraps();
    expect(rows).toBeGreaterThan(400);
    expect(wrong.map(({ row }) => row.command)).toEqual([]);
  });

  it("at most 10 % of harmless commands are asked about", () => {
    const { rows, wrong } = scoreBenign();
    expect(rows).toBeGreaterThan(1700);
    expect(wrong.length / rows).toBeLessThanOrEqual(0.1);
  });
});
