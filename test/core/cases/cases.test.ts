/**
 * Runs the case tables beside this file. A line is `VERDICT CODE MODE COMMAND`; `-` as code is any
 * code, `-` as mode is default. Directives: `@ settings {json}`, `@ branch NAME` (`-` = not known),
 * `@ files [json]` (more files, relative to the project), `@ sandboxed yes|no`; each holds until the next of its kind. `\n` in a command is a line end.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CODES } from "../../../src/core/call/codes.ts";
import { EFFECTS } from "../../../src/core/call/effect.ts";
import { absolute, normalise, parentOf } from "../../../src/core/call/path.ts";
import { PLAIN_WORLD, ROOT, type Setting, type World, judgeBash, judgeIn, modeNamed } from "./world.ts";

const directory = import.meta.dirname;

/** The plain world and more files in it, with the directories they lie in. */
function worldWith(files: readonly string[]): World {
  const paths = files.map((file) => normalise(absolute(ROOT, file)));
  const directories = new Set(PLAIN_WORLD.directories);
  for (const path of paths) for (let at = parentOf(path); at !== "/"; at = parentOf(at)) directories.add(at);
  return { ...PLAIN_WORLD, files: [...PLAIN_WORLD.files, ...paths], directories: [...directories] };
}

for (const file of readdirSync(directory).filter((name) => name.endsWith(".cases"))) {
  describe(file, () => {
    let setting: Setting = {};
    for (const [at, line] of readFileSync(join(directory, file), "utf8").split("\n").entries()) {
      if (line.trim() === "" || line.startsWith("#")) continue;
      const directive = /^@ (\w+) (.*)$/.exec(line);
      if (directive) {
        const [, name = "", value = ""] = directive;
        if (name === "settings" || name === "managed" || name === "user")
          setting = { ...setting, [name]: JSON.parse(value) };
        else if (name === "files") setting = { ...setting, world: worldWith(JSON.parse(value)) };
        else if (name === "branch")
          setting = { ...setting, world: { ...PLAIN_WORLD, branch: value === "-" ? undefined : value } };
        else if (name === "sandboxed") setting = { ...setting, sandboxed: value === "yes" };
        else throw new Error(`${file}:${at + 1}: unknown directive ${name}`);
        continue;
      }
      const row = /^(\S+)\s+(\S+)\s+(\S+)\s+(.*)$/.exec(line);
      if (row === null) throw new Error(`${file}:${at + 1}: not a row`);
      const [, verdict = "", code = "", mode = "", text = ""] = row;
      if (!EFFECTS.some((effect) => effect === verdict))
        throw new Error(`${file}:${at + 1}: no verdict ${verdict}`);
      if (code !== "-" && !Object.hasOwn(CODES, code)) throw new Error(`${file}:${at + 1}: no code ${code}`);
      const here = { ...setting, mode: mode === "-" ? undefined : modeNamed(mode) };
      it(`${at + 1}: ${line.slice(0, 140)}`, () => {
        const call = /^(Read|Edit|Write|Grep|Glob|WebFetch|Agent|Skill|mcp__\w+|[A-Z]\w+)(\{.*\})$/.exec(
          text,
        );
        const decision = call
          ? judgeIn(here, call[1] ?? "", JSON.parse(call[2] ?? "{}"))
          : judgeBash(here, text.replaceAll("\\n", "\n"));
        expect(`${decision.verdict} ${code === "-" ? "-" : decision.code}`, decision.why).toBe(
          `${verdict} ${code}`,
        );
      });
    }
  });
}
