import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RUNGS } from "../../src/core/settings/policy.ts";
import { TRIAL_CLASSES } from "../../src/host/sandbox/trial/attempt.ts";
import { ATTEMPTS } from "../../src/host/sandbox/trial/attempts.ts";
import { lostOn } from "../../src/host/sandbox/trial/losses.ts";
import type { Line } from "./escapes-driver.ts";
import { NODE, type Stage, WHO, openStage } from "./stage.ts";

const HERE = dirname(fileURLToPath(import.meta.url));
/** A part of the attempts, for whoever works on them. */
const ONLY = process.env["CORDON_ESCAPES"] ?? "";

/** Set: root makes the attempts on the lowest rung too. */
const DEEP = process.env["CORDON_DEEP"] === undefined ? {} : { CORDON_DEEP: "1" };

let stage: Stage;
const told = new Map<string, readonly Line[]>();
const running: ChildProcess[] = [];

/** Everybody at once: most of the time is spent waiting. */
beforeAll(async () => {
  stage = await openStage();
  const driver = join(stage.base, "escapes.mjs");
  const bundle = await rolldown({
    input: join(HERE, "escapes-driver.ts"),
    platform: "node",
    logLevel: "silent",
    resolve: { mainFields: ["module", "main"] },
  });
  await bundle.write({ file: driver, format: "esm" });
  await bundle.close();
  await Promise.all(
    stage.actors.map(async (actor) => told.set(actor.name, await linesOf(stage, driver, actor))),
  );
}, 2_400_000);
afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
  stage.close();
});

async function linesOf(
  { base }: Stage,
  driver: string,
  { name, as }: Stage["actors"][number],
): Promise<readonly Line[]> {
  const parent = join(base, name);
  const args = [driver, parent, join(base, "paths.json"), join(base, "native"), ONLY];
  const [file = "", ...words] = as(NODE, ...args);
  const child = spawn(file, words, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: parent, CANARY_TOKEN: "outer", ...DEEP },
  });
  running.push(child);
  const lines: Line[] = [];
  for await (const line of createInterface({ input: child.stdout })) lines.push(JSON.parse(line));
  return lines;
}

const BY_ID = new Map(ATTEMPTS.map((attempt) => [attempt.id, attempt]));

describe("the attempts", () => {
  it("are many, each with a name of its own, in every class", () => {
    expect(ATTEMPTS.length).toBeGreaterThanOrEqual(240);
    expect(BY_ID.size).toBe(ATTEMPTS.length);
    expect(new Set(ATTEMPTS.map((attempt) => attempt.class)).size).toBe(Object.keys(TRIAL_CLASSES).length);
  });

  it("are known to be open only where little weighs", () => {
    expect(ATTEMPTS.filter(({ known, weight }) => known !== undefined && weight !== "low")).toEqual([]);
  });
});

describe.each(WHO)("as %s", (who) => {
  const all = (): readonly Line[] => told.get(who) ?? [];

  it("the attacks work without a sandbox", () => {
    const failed = all().flatMap((line) =>
      "id" in line && line.control === "failed" && line.controlWhy === undefined ? [line.id] : [],
    );
    expect(failed).toEqual([]);
    const works = all().filter((line) => "id" in line && line.control === "works").length;
    if (ONLY === "") expect(works).toBeGreaterThan(who === "root" ? 200 : 160);
  });

  it("leaves nothing behind", () => {
    expect(readdirSync(join(stage.base, who)).filter((name) => name.startsWith("cordon-trial-"))).toEqual([]);
  });

  describe.each(RUNGS)("on the rung %s", (rung) => {
    const here = (): readonly Line[] => all().filter((line) => line.rung === rung);

    it.for(Object.keys(TRIAL_CLASSES))("stops: %s", (name, { skip }) => {
      const missing = here().find((line) => "missing" in line);
      if (missing !== undefined && "missing" in missing) {
        // What needs no compiler has to be there.
        expect(rung, missing.missing).not.toBe("bubblewrap");
        return skip(missing.missing);
      }
      const own = here().flatMap((line) => {
        const attempt = "id" in line ? BY_ID.get(line.id) : undefined;
        return "id" in line && attempt?.class === name ? [{ ...line, attempt }] : [];
      });
      const bad = own.filter(
        ({ ended, attempt }) =>
          ended === "faulty" ||
          (ended === "escaped" && attempt.known === undefined && lostOn(rung, attempt) === undefined),
      );
      expect(bad.map(({ id, ended, why }) => `${id} ${ended} ${why ?? ""}`)).toEqual([]);
      // Heavy ones are made on the first rung alone.
      const made = new Set(own.map(({ id }) => id));
      const left = ATTEMPTS.filter(
        ({ id, class: of, heavy }) => of === name && heavy !== true && !made.has(id),
      );
      if (ONLY === "") expect(left.map(({ id }) => id)).toEqual([]);
    });
  });
});
