import { readFileSync } from "node:fs";
import { RUNGS } from "../../src/core/settings/policy.ts";
import { tryRungs } from "../../src/host/sandbox/ladder.ts";
import { ATTEMPTS } from "../../src/host/sandbox/trial/attempts.ts";
import { confinementBy } from "../../src/host/sandbox/trial/confine.ts";
import { type Verdict, runTrial } from "../../src/host/sandbox/trial/run.ts";

/** One verdict as a line of JSON, or a rung that does not work. */
export type Line =
  | (Pick<Verdict, "ended" | "why" | "control" | "controlWhy" | "tookMs"> & {
      readonly rung: string;
      readonly id: string;
    })
  | { readonly rung: string; readonly missing: string };

/** Makes all attempts on every rung, as the user this runs as. Controls are made once. */
const [, , parent = "", lists = "", launchers = "", only = ""] = process.argv;
const print = (line: Line): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const home = process.env["HOME"] ?? parent;
const look = async (): ReturnType<typeof tryRungs> => tryRungs({ environment: process.env, home, launchers });
let { rungs } = await look();
// What other tests take away meanwhile can spoil a first look.
if (rungs.some(({ footing }) => footing === undefined)) ({ rungs } = await look());
let controls = true;
const deep = process.env["CORDON_DEEP"] !== undefined;
for (const rung of RUNGS) {
  // Without namespaces root has the same rules around it as anybody else.
  if (rung === "landlock" && process.getuid?.() === 0 && !deep) {
    print({ rung, missing: "left out for root; CORDON_DEEP=1 makes it" });
    continue;
  }
  const tried = rungs.find(({ state }) => state.rung === rung);
  if (tried?.footing === undefined) {
    print({ rung, missing: tried?.state.works === false ? tried.state.why : "it was not tried" });
    continue;
  }
  await runTrial({
    attempts: ATTEMPTS.filter(({ id, heavy }) => new RegExp(only).test(id) && (controls || heavy !== true)),
    parent,
    confine: confinementBy({ footing: tried.footing }, JSON.parse(readFileSync(lists, "utf8"))),
    atOnce: 3,
    controls,
    budget: 2_400,
    onVerdict: ({ attempt, ...verdict }) => print({ rung, id: attempt.id, ...verdict }),
  });
  controls = false;
}
process.exit(0);
