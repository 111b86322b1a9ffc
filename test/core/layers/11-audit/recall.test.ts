import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringAt, type JsonObject } from "../../../../src/core/call/json.ts";
import { redact } from "../../../../src/core/layers/11-audit/redact.ts";
import { casesDirectory, commandOf, rowsOf } from "./cases.ts";

/** How much of what others call secret is blacked out, and how much that is not. Prints a table. */

const directory = casesDirectory();
const SAMPLES = 20;

/** A pattern in Go's dialect as one that JavaScript and the generator of samples read. */
function javascript(pattern: string): RegExp | undefined {
  const plain = pattern
    .replace(/\(\?-i:/g, "(?:")
    .replace(/\(\?i:/g, "(?:")
    .replace(/\(\?s:/g, "(?:")
    .replace(/\(\?i\)/g, "")
    .replace(/\(\?P<\w+>/g, "(?:")
    .replace(/\\z/g, "$")
    .replace(/\\[bB]/g, "")
    .replace(/\[\[:alnum:\]\]/g, "[a-zA-Z0-9]")
    .replace(/\[:alnum:\]/g, "a-zA-Z0-9")
    .replace(/\\x60/g, "`");
  try {
    return new RegExp(`^(?:${plain})$`);
  } catch {
    return undefined;
  }
}

interface Sample {
  readonly text: string;
  readonly secret: string;
}

/** Made-up texts a pattern matches, with the stretch the pattern takes for the secret. */
function samplesOf(pattern: string): readonly Sample[] {
  const regex = javascript(pattern);
  if (regex === undefined) return [];
  try {
    return fc.sample(fc.stringMatching(regex), { numRuns: SAMPLES, seed: 42 }).flatMap((text) => {
      const match = regex.exec(text);
      const secret = match?.slice(1).find((group) => group !== undefined && group.length >= 8) ?? match?.[0];
      return secret === undefined ? [] : [{ text, secret: secret.trim() }];
    });
  } catch {
    return [];
  }
}

describe.skipIf(directory === undefined)("redaction measured on cases", () => {
  const rows = directory === undefined ? [] : rowsOf(directory, "secrets.jsonl");
  const ofKind = (kind: string): readonly JsonObject[] => rows.filter((row) => row["kind"] === kind);

  it("blacks out the values of secret variables and keeps the others", () => {
    const outcome = { redact: [0, 0], keep: [0, 0] };
    const wrong: string[] = [];
    for (const row of ofKind("env")) {
      const name = stringAt(row, "value") ?? "";
      const sample = stringAt(row, "value_sample");
      const expected = stringAt(row, "expect") === "keep" ? "keep" : "redact";
      if (sample === undefined) continue;
      const out = redact(`export ${name}='${sample}'`).text;
      const changed = out !== `export ${name}='${sample}'`;
      const right = changed === (expected === "redact");
      const [good = 0, all = 0] = outcome[expected];
      outcome[expected] = [good + (right ? 1 : 0), all + 1];
      if (!right) wrong.push(`${expected} ${name}=${sample}`);
    }
    console.log("env rows right/all", outcome, "\n  differs:\n   ", wrong.join("\n    "));
    expect(outcome.redact[0]).toBeGreaterThanOrEqual(38);
    expect(wrong.filter((line) => line.startsWith("keep") && !line.includes("ghp_"))).toEqual([]);
  });

  it("blacks out values that published patterns describe", () => {
    // `form`: the pattern knows the value itself; it stands bare in a command. `vendor`: the pattern
    // hangs on a vendor's name; as the pattern writes it, and as an environment would.
    const figures = { form: { gone: 0, all: 0 }, vendor: { gone: 0, all: 0 }, assigned: { gone: 0, all: 0 } };
    const missed = new Map<string, number>();
    const unread: string[] = [];
    const count = (key: keyof typeof figures, rule: string, gone: boolean): void => {
      figures[key].all += 1;
      figures[key].gone += gone ? 1 : 0;
      if (!gone) missed.set(`${key} ${rule}`, (missed.get(`${key} ${rule}`) ?? 0) + 1);
    };
    for (const row of ofKind("value-regex")) {
      const rule = (stringAt(row, "cls") ?? "").replace(/^gitleaks:/, "");
      const pattern = stringAt(row, "value") ?? "";
      if (pattern === "") continue;
      const samples = samplesOf(pattern);
      if (samples.length === 0) unread.push(rule);
      for (const { text, secret } of samples) {
        if (!pattern.includes("{0,50}?"))
          count("form", rule, !redact(`tool --input ${text} --quiet`).text.includes(secret));
        else {
          const vendor = (rule.split("-")[0] ?? "").toUpperCase();
          count("vendor", rule, !redact(text).text.includes(secret));
          count(
            "assigned",
            rule,
            !redact(`export ${vendor}_API_KEY='${secret.replaceAll("'", "")}'`).text.includes(secret),
          );
        }
      }
    }
    console.log("pattern samples", figures, "no samples:", unread);
    console.log(
      [...missed]
        .filter(([rule]) => !rule.startsWith("vendor"))
        .map(([rule, n]) => `${rule}: ${n}`)
        .join(", "),
    );
    const share = (figure: { readonly gone: number; readonly all: number }): number =>
      figure.gone / figure.all;
    expect(share(figures.form)).toBeGreaterThan(0.88);
    expect(share(figures.vendor)).toBeGreaterThan(0.1);
    expect(share(figures.assigned)).toBeGreaterThan(0.99);
  });

  it("blacks out what stands behind VENDOR_API_KEY for every vendor", () => {
    const vendors = ofKind("service").map((row) =>
      (stringAt(row, "value") ?? "").toUpperCase().replace(/[^A-Z0-9]/g, "_"),
    );
    const secret = "q7RtZ2mW9xKb";
    const missed = vendors.filter((vendor) =>
      redact(`export ${vendor}_API_KEY=${secret}`).text.includes(secret),
    );
    console.log(`vendors' keys gone: ${vendors.length - missed.length} of ${vendors.length}`);
    expect(missed).toEqual([]);
  });

  it("blacks out little in commands that hold no secret", () => {
    for (const [file, most] of [
      ["benign.jsonl", 0.002],
      ["traps.jsonl", 0.02],
    ] as const) {
      const commands = rowsOf(directory ?? "", file).flatMap((row) => commandOf(row) ?? []);
      const hits = commands.filter((command) => redact(command).text !== command);
      console.log(`${file}: ${hits.length} of ${commands.length} changed`);
      for (const hit of hits.slice(0, 40)) console.log("   ", redact(hit).text.slice(0, 300));
      expect(hits.length / commands.length).toBeLessThanOrEqual(most);
    }
  });

  it("touches few commands of real sessions", () => {
    const commands = new Set(
      rowsOf(directory ?? "", "sessions.jsonl").flatMap((row) => commandOf(row) ?? []),
    );
    const hits = [...commands].filter((command) => redact(command).text !== command);
    console.log(`sessions.jsonl: ${hits.length} of ${commands.size} different commands changed (unlabelled)`);
    expect(hits.length / commands.size).toBeLessThan(0.01);
  });
});
