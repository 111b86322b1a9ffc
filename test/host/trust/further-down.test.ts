import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { command as check } from "../../../src/cli/check.ts";
import { loadSources } from "../../../src/host/settings/load.ts";
import { buildPolicy } from "../../../src/core/settings/merge.ts";
import { recordWritten } from "../../../src/host/settings/written.ts";
import { openQuestions, surveyAt } from "../../../src/host/trust/survey.ts";
import { type Scene, runIn, scene } from "../../cli/scene.ts";

const ALLOW = '{"permissions": {"allow": ["Bash(make *)"]}}';
const FILES = [".cordon/settings.local.json", ".claude/settings.local.json", ".claude/settings.json"];

/** A repository with settings at its top and further down. */
function repository(): { readonly at: Scene; readonly sub: string } {
  const at = scene();
  const sub = join(at.project, "js/src");
  mkdirSync(sub, { recursive: true });
  execFileSync("git", ["init", "-q"], { cwd: at.project });
  return { at, sub };
}

describe("what is said not to count, and what `cordon trust` asks about there", () => {
  const places = ["", "js/src/"].flatMap((where) => FILES.map((file) => `${where}${file}`));
  const states = ["written", "changed", "foreign", "written where the project could have"] as const;
  it.each(places.flatMap((file) => states.map((state) => [file, state] as const)))(
    "are the same: %s, %s",
    (file, state) => {
      const { at, sub } = repository();
      const path = at.put(join("home/app", file), ALLOW);
      const inside = state === "written where the project could have";
      const env = inside ? { ...at.env, XDG_STATE_HOME: join(at.project, "state") } : at.env;
      const base = inside ? join(at.project, "state") : join(at.home, ".local/state");
      if (state !== "foreign") recordWritten(join(base, "cordon"), path, [Buffer.from(ALLOW)]);
      if (state === "changed") at.put(join("home/app", file), `${ALLOW} `);
      const request = { root: sub, cwd: sub, home: at.home, env, ambient: true, top: at.top };
      const { sources, fingerprint } = loadSources(request);
      const { ignored, rules } = buildPolicy(sources, request, fingerprint);
      const asked = openQuestions(surveyAt(sub, { env, home: at.home })).map(({ subject }) => subject.file);
      expect(asked).toEqual(ignored.files);
      expect(ignored.files).toEqual(state === "written" && file.endsWith("local.json") ? [] : [path]);
      expect(rules).toHaveLength(1 - ignored.files.length);
    },
  );

  it("names the directory to somebody who is elsewhere", async () => {
    const { at, sub } = repository();
    at.put("home/app/js/src/.claude/settings.json", ALLOW);
    const notice = (command: string): string =>
      `cordon: 1 allow rule of .claude/settings.json does not count: run \`${command}\`\n`;
    expect((await runIn({ ...at, project: sub }, check, ["Bash(make x)"])).err).toBe(notice("cordon trust"));
    expect((await runIn(at, check, ["Bash(make x)", "--cwd", sub])).err).toBe(notice(`cordon trust ${sub}`));
  });
});
