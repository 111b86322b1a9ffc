import { ANSWERS } from "../../src/core/call/ask.ts";
import { type JsonObject, stringAt } from "../../src/core/call/json.ts";
import { judge, prepare } from "../../src/core/gate.ts";
import { examine } from "../../src/core/inquiry/inquiry.ts";
import { needsOf } from "../../src/core/inquiry/needs.ts";
import { buildPolicy } from "../../src/core/settings/merge.ts";
import { gatherFacts } from "../../src/host/facts/gather.ts";
import { builtInTables } from "../../src/host/tables.ts";
import { rowsOf } from "./shared.ts";

/** What a person would have been asked in recorded sessions of one origin. */
export interface SessionScore {
  readonly source: string;
  readonly sessions: number;
  /** Bash, Read, Edit, Write, Grep and Glob with an input that says what is meant. */
  readonly calls: number;
  /** Calls that ask, or are denied, under each setup. */
  readonly asked: Readonly<Record<Setup, number>>;
  /** The same by tool and code, as `Bash path.outside`. */
  readonly classes: Readonly<Record<Setup, ReadonlyMap<string, number>>>;
  /** Of the questions about commands in the sandbox those the table of asks lets the sandbox answer. */
  readonly needless: number;
}

/** How the person set cordon up: the defaults; commands sandboxed and unasked there; edits accepted too. */
export const SETUPS = ["default", "sandbox", "sandbox+acceptEdits"] as const;
export type Setup = (typeof SETUPS)[number];

const TOOLS: readonly string[] = ["Bash", "Read", "Edit", "Write", "Grep", "Glob"];

interface Step {
  readonly session: string;
  readonly source: string;
  readonly tool: string;
  readonly input: JsonObject;
  readonly cwd?: string;
}

/**
 * Judges every call of sessions.jsonl without any rule. The files of the sessions are not here, and
 * nobody answers anything: what was allowed once asks again the next time. `every`: only each so
 * manieth session.
 */
export function scoreSessions(every: number = 1): readonly SessionScore[] {
  const sessions = new Map<string, Step[]>();
  for (const step of rowsOf("cases/sessions.jsonl") as unknown as readonly Step[])
    sessions.set(step.session, [...(sessions.get(step.session) ?? []), step]);
  const scores = new Map<string, Tally>();
  for (const [at, steps] of [...sessions.values()].entries()) {
    if (at % every !== 0) continue;
    const source = steps[0]?.source ?? "";
    const score = scores.get(source) ?? {
      sessions: 0,
      calls: 0,
      asked: { default: 0, sandbox: 0, "sandbox+acceptEdits": 0 },
      classes: { default: new Map(), sandbox: new Map(), "sandbox+acceptEdits": new Map() },
      needless: 0,
    };
    scores.set(source, score);
    score.sessions += 1;
    const judges = SETUPS.map((setup) => [setup, judgeFor(rootOf(steps), setup)] as const);
    for (const step of steps) {
      if (!TOOLS.includes(step.tool)) continue;
      const verdicts = judges.map(([setup, judged]) => [setup, judged(step)] as const);
      // Some were recorded without what they were about.
      if (verdicts.some(([, { code }]) => code === "tool.input")) continue;
      score.calls += 1;
      for (const [setup, { verdict, code, kind }] of verdicts) {
        if (verdict === "allow") continue;
        score.asked[setup] += 1;
        const name = `${step.tool} ${code}`;
        score.classes[setup].set(name, (score.classes[setup].get(name) ?? 0) + 1);
        const answered = kind !== undefined && ANSWERS[kind].includes("autoAllow");
        if (setup !== "default" && step.tool === "Bash" && answered) score.needless += 1;
      }
    }
  }
  return [...scores].map(([source, score]) => ({ source, ...score }));
}

interface Tally {
  sessions: number;
  calls: number;
  readonly asked: Record<Setup, number>;
  readonly classes: Readonly<Record<Setup, Map<string, number>>>;
  needless: number;
}

const tables = builtInTables();

function judgeFor(root: string, setup: Setup): (step: Step) => ReturnType<typeof judge> {
  const place = { root, cwd: root, home: /^\/(?:Users|home)\/[^/]+/.exec(root)?.[0] ?? "/root" };
  const sandboxed = setup !== "default";
  const settings = {
    ...(sandboxed ? { sandbox: { enabled: true, autoAllowBashIfSandboxed: true } } : {}),
    ...(setup === "sandbox+acceptEdits" ? { permissions: { defaultMode: "acceptEdits" } } : {}),
  };
  const policy = buildPolicy(
    [
      {
        scope: "user",
        text: JSON.stringify(settings),
        trusted: true,
        repository: false,
        anchor: root,
        base: root,
      },
    ],
    place,
    "sessions",
  );
  const context = prepare(policy, place, tables);
  return ({ tool, input }) => {
    const inquiry = examine(context, { ...place, tool, input, sandboxed });
    return judge(inquiry, gatherFacts(needsOf(inquiry)));
  };
}

/** Where the agent was started; where nobody wrote it down, the directory its commands go to most. */
function rootOf(steps: readonly Step[]): string {
  const told = steps.find(({ cwd }) => cwd !== undefined)?.cwd;
  if (told !== undefined) return told;
  const visits = new Map<string, number>();
  for (const { input } of steps) {
    const [, directory] = /^cd (\/[\w./-]+)/.exec(stringAt(input, "command") ?? "") ?? [];
    if (directory !== undefined) visits.set(directory, (visits.get(directory) ?? 0) + 1);
  }
  const [most] = [...visits].toSorted(([, a], [, b]) => b - a);
  return most?.[0] ?? "/workspace/project";
}
