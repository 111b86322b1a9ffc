import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Actor, RUNGS, type Stage, WHO, openStage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

/** What a command leaves behind so that the next one, or its end, does not see what is there. */
describe.each(WHO.flatMap((who) => RUNGS.map((rung) => ({ who, rung }))))(
  "out of sight, as $who, $rung",
  ({ who, rung }) => {
    let actor: Actor;
    beforeAll(() => {
      const found = stage.actors.find(({ name }) => name === who);
      if (found === undefined) throw new Error(who);
      actor = found;
    });

    // The search is the same for everybody, and takes its time.
    it.runIf(who === "user" && rung === RUNGS.at(-1))("among a hundred thousand names", async () => {
      const { run, ws, canary, outsideRun } = actor.scene();
      outsideRun(`echo ${canary} > '${ws}/.env'`);
      const options = { rung, sandbox: { denyRead: [join(ws, "**/.env")] } };
      await run("seq -f f%g 1 100100 | xargs touch; mkdir sub", options);
      const result = await run(
        "cat .env; mkdir -p .vscode; echo x > .vscode/tasks.json; echo x > sub/.envrc; echo x >> .git/config; echo hi",
        options,
      );
      expect(result.refused).toBeUndefined();
      expect(result.stdout).toBe("hi\n");
      for (const path of [".vscode", "sub/.envrc"]) expect(existsSync(join(ws, path)), path).toBe(false);
      expect(readFileSync(join(ws, ".git/config"), "utf8")).not.toContain("x\n");
    });

    it("in a directory that a command shut", async () => {
      const { run, ws, canary, outsideRun } = actor.scene();
      outsideRun(`mkdir '${ws}/sub'; echo ${canary} > '${ws}/sub/.env'; git init -q '${ws}/sub/repository'`);
      const options = { rung, sandbox: { denyRead: [join(ws, "**/.env")] } };
      await run("chmod 400 sub", options);
      expect(statSync(join(ws, "sub")).mode & 0o700).toBe(0o700);
      const result = await run(
        "chmod 700 sub; cat sub/.env; echo EVIL > sub/.envrc; chmod 400 sub; true",
        options,
      );
      expect([result.refused, result.thrown, result.fault]).toEqual([undefined, undefined, undefined]);
      expect(result.stdout).not.toContain(canary);
      expect(existsSync(join(ws, "sub/.envrc"))).toBe(false);
      expect(result.violations.map(({ path }) => path)).toEqual([join(ws, "sub/.envrc")]);
    });

    it("in a directory that a person shut, which stays as it is", async () => {
      const { run, ws, canary, outsideRun } = actor.scene();
      const sub = join(ws, "sub");
      outsideRun(`mkdir '${sub}'; echo ${canary} | tee '${sub}/.env' > '${sub}/.envrc'
git init -q '${sub}/repository'; chmod 400 '${sub}'`);
      const result = await run("chmod 700 sub; cat sub/.env; echo EVIL > sub/.envrc; mv sub away; echo hi", {
        rung,
        sandbox: { denyRead: [join(ws, "**/.env")] },
      });
      expect([result.refused, result.thrown, result.fault]).toEqual([undefined, undefined, undefined]);
      expect(result.stdout).toBe("hi\n");
      expect(result.violations).toEqual([]);
      expect(statSync(sub).mode & 0o7777).toBe(0o400);
      expect(outsideRun(`chmod 700 '${sub}'; cat '${sub}/.envrc'`)).toBe(`${canary}\n`);
      expect((await run("echo again", { rung })).violations).toEqual([]);
      expect(outsideRun(`cat '${sub}/.envrc'`)).toBe(`${canary}\n`);
    });
  },
);
