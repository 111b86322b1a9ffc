import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { SandboxError } from "../error.ts";
import type { Attempt } from "./attempt.ts";
import { CLIENT, SERVER, programSource } from "./program.ts";
import { type Scene, type Stage, hasProgram, makeTemplate, openScene } from "./scene.ts";

/** How an attempt ended, and whether it would have worked without a sandbox. */
export interface Verdict {
  readonly attempt: Attempt;
  readonly ended: "stopped" | "escaped" | "skipped" | "faulty";
  /** Of what was skipped or faulty. */
  readonly why?: string | undefined;
  /**
   * `works`: the same attack succeeded without a sandbox. `failed`: it did not, so that little is
   * shown. `none`: it was not made, for the reason given.
   */
  readonly control: "works" | "failed" | "none";
  readonly controlWhy?: string | undefined;
  /** Milliseconds, both runs. */
  readonly tookMs: number;
}

/** A command inside: where and what. */
export interface Inside {
  readonly root: string;
  readonly cwd: string;
  /** The settings an attempt is made under, as JSON text. */
  readonly settings: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly text: string;
  /** Seconds after which it is ended. */
  readonly timeLimit: number;
  /** Bytes of output after which it is ended. */
  readonly outputLimit: number;
  readonly signal?: AbortSignal | undefined;
}

/** Runs one command in a sandbox and returns what it printed. One for each attempt. */
export interface Confinement {
  readonly run: (inside: Inside) => Promise<Uint8Array>;
  readonly close: () => void;
}

export interface TrialSetup {
  readonly attempts: readonly Attempt[];
  /** Directory in which the trial makes and removes its own. */
  readonly parent: string;
  readonly confine: () => Confinement;
  /** Attempts made at the same time. */
  readonly atOnce: number;
  /** False: the attacks are not made without a sandbox as well. */
  readonly controls: boolean;
  /** Seconds in all; what has not begun then is skipped. */
  readonly budget: number;
  readonly signal?: AbortSignal | undefined;
  readonly onVerdict: (verdict: Verdict) => void;
}

/** Seconds a command inside may take, and bytes it may print. */
const TIME_LIMIT = 15;
const OUTPUT_LIMIT = 1024 * 1024;
const SHORT_TIME_LIMIT = 4;

/**
 * Makes every attempt in a sandbox and, as its control, without one, in a directory of its own that
 * is removed at the end, also when `signal` aborts.
 *
 * INVARIANT: a verdict `stopped` means that the attempt was made and its truth, asked outside,
 * answered no. An attempt that could not be made, or whose truth nobody could tell, is never `stopped`.
 */
export async function runTrial(setup: TrialSetup): Promise<readonly Verdict[]> {
  const base = mkdtempSync(join(setup.parent, "cordon-trial-"));
  const deadline = performance.now() + setup.budget * 1000;
  try {
    // Somebody who is not the caller must be able to look, in the attempts that need that.
    chmodSync(base, 0o755);
    const stage = makeStage(base, setup.attempts);
    const waiting = [...setup.attempts];
    const verdicts: Verdict[] = [];
    const isOver = (): boolean => setup.signal?.aborted === true;
    const worker = async (): Promise<void> => {
      for (let attempt = waiting.shift(); attempt !== undefined; attempt = waiting.shift()) {
        if (isOver()) return;
        const verdict = await judge(setup, stage, attempt, performance.now() > deadline);
        // What was interrupted says nothing.
        if (isOver()) return;
        verdicts.push(verdict);
        setup.onVerdict(verdict);
      }
    };
    await Promise.all(Array.from({ length: setup.atOnce }, worker));
    return verdicts;
  } finally {
    // What a control left alive ends by itself, and may write until then.
    for (let left = 12; left > 0; left--) {
      removeTree(base);
      if (!existsSync(base)) break;
      await pause(500);
    }
  }
}

function makeStage(base: string, attempts: readonly Attempt[]): Stage {
  const [bin, template] = [join(base, "bin"), join(base, "template")];
  mkdirSync(bin);
  makeTemplate(template);
  writeFileSync(join(bin, "serve.py"), SERVER);
  writeFileSync(join(bin, "talk.py"), CLIENT);
  for (const { id, python } of attempts)
    if (python !== undefined) writeFileSync(join(bin, `${id}.py`), `${python}\n`);
  return { base, bin, template, program: compiled(bin, attempts) };
}

/** Undefined where there is no compiler, or it does not know what the functions need. */
function compiled(bin: string, attempts: readonly Attempt[]): string | undefined {
  const compiler = ["cc", "gcc", "clang"].find(hasProgram);
  if (compiler === undefined) return undefined;
  const path = join(bin, "attacks");
  writeFileSync(`${path}.c`, programSource(attempts));
  const ended = spawnSync(compiler, ["-O0", "-w", "-pthread", "-o", path, `${path}.c`], {
    env: { PATH: "/usr/local/bin:/usr/bin:/bin" },
    stdio: "ignore",
  });
  return ended.status === 0 ? path : undefined;
}

async function judge(setup: TrialSetup, stage: Stage, attempt: Attempt, late: boolean): Promise<Verdict> {
  const began = performance.now();
  const told = (verdict: Omit<Verdict, "attempt" | "tookMs">): Verdict => ({
    attempt,
    tookMs: performance.now() - began,
    ...verdict,
  });
  const missing = late ? "no time was left" : lacking(stage, attempt);
  if (missing !== undefined) return told({ ended: "skipped", why: missing, control: "none" });
  try {
    const control = await controlOf(setup, stage, attempt);
    const confinement = setup.confine();
    try {
      const status = await made(setup, stage, attempt, "in", async (scene, text, cwd, first) => {
        const running = confinement.run({
          root: scene.root,
          cwd,
          settings: settingsFor(scene.base, attempt),
          environment: scene.environment,
          text: scene.inside(text),
          timeLimit: attempt.id === "limit-time" ? SHORT_TIME_LIMIT : TIME_LIMIT,
          outputLimit: OUTPUT_LIMIT,
          signal: setup.signal,
        });
        // A second command that is refused because of what the first one left has not run: it is stopped.
        const printed = await running.catch((error: unknown) => {
          if (first || !(error instanceof SandboxError)) throw error;
          return new Uint8Array();
        });
        scene.printed(printed);
        if (first) scene.require();
      });
      if (status === 0) return told({ ended: "escaped", ...control });
      if (status === 1) return told({ ended: "stopped", ...control });
      return told({ ended: "faulty", why: `its truth ended with ${status}`, ...control });
    } finally {
      confinement.close();
    }
  } catch (error) {
    return told({
      ended: "faulty",
      why: error instanceof Error ? error.message : String(error),
      control: "none",
    });
  }
}

/** What of the machine an attempt lacks. */
function lacking(stage: Stage, attempt: Attempt): string | undefined {
  const missing = (attempt.needs ?? []).find((name) => !hasProgram(name));
  if (missing !== undefined) return `there is no ${missing}`;
  const texts = [attempt.prepare, attempt.attack, attempt.after, attempt.truth, attempt.open].join("\n");
  const compiledPart = attempt.c !== undefined || /\bvictim\b/.test(texts);
  return compiledPart && stage.program === undefined ? "there is no C compiler" : undefined;
}

async function controlOf(
  setup: TrialSetup,
  stage: Stage,
  attempt: Attempt,
): Promise<Pick<Verdict, "control" | "controlWhy">> {
  const { control } = attempt;
  if (!setup.controls) return { control: "none", controlWhy: "not asked for" };
  if (control === "root" && process.getuid?.() !== 0)
    return { control: "none", controlWhy: "only root can do it" };
  if (typeof control === "object" && "impossible" in control)
    return { control: "none", controlWhy: control.impossible };
  const status = await made(setup, stage, attempt, "open", async (scene, text, cwd, first) => {
    await scene.open(first ? (attempt.open ?? text) : text, cwd);
  });
  if (status === 0) return { control: "works" };
  return { control: "failed", controlWhy: typeof control === "object" ? control.maybe : undefined };
}

/** Prepares, attacks as `attack` says, and asks for the truth. Throws where the preparation fails. */
async function made(
  { signal }: TrialSetup,
  stage: Stage,
  attempt: Attempt,
  run: string,
  attack: (scene: Scene, text: string, cwd: string, first: boolean) => Promise<void>,
): Promise<number> {
  const scene = openScene(stage, attempt, run);
  const stop = (): void => scene.stop();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    if (attempt.prepare !== undefined && (await scene.outside(attempt.prepare)) !== 0)
      throw new Error("its preparation failed");
    scene.begin();
    await Promise.all([
      attack(scene, attempt.attack, scene.cwd, true),
      ...(attempt.beside === undefined ? [] : [attack(scene, attempt.beside, scene.cwd, false)]),
    ]);
    if (attempt.between !== undefined) await scene.outside(attempt.between);
    if (attempt.again !== undefined)
      await attack(scene, attempt.again, join(scene.cwd, attempt.againIn ?? ""), false);
    if (attempt.after !== undefined) await scene.outside(attempt.after);
    return await scene.outside(attempt.truth);
  } finally {
    signal?.removeEventListener("abort", stop);
    if (attempt.clean !== undefined) await scene.outside(attempt.clean);
    scene.close();
  }
}

/** The settings of every scene: what is denied there, and limits that are quickly reached. */
function settingsFor(base: string, attempt: Attempt): string {
  // Below Landlock alone nothing can be made in a directory of which a part is denied.
  const denied = /(?<![a-z])\.env\b|private|denied/.test(JSON.stringify(attempt));
  return JSON.stringify({
    permissions: {
      deny: denied ? ["Read(.env)", "Read(private/**)", `Read(/${join(base, "outside/denied")})`] : [],
    },
    sandbox: { enabled: true, filesystem: { allowWrite: [join(base, "extra"), join(base, "ws/build")] } },
    cordon: {
      limits: {
        memory: 128 * 1024 * 1024,
        totalMemory: 192 * 1024 * 1024,
        processes: 200,
        fileSize: 8 * 1024 * 1024,
        openFiles: 256,
        temporary: 16 * 1024 * 1024,
      },
    },
  });
}

/** Removes a tree in which attacks have closed directories and made very deep ones. */
function removeTree(path: string): void {
  spawnSync(
    "/bin/sh",
    ["-c", 'rm -rf "$1" 2>/dev/null || { chmod -R u+rwX "$1"; rm -rf "$1"; }', "sh", path],
    {
      env: { PATH: "/usr/bin:/bin" },
      stdio: "ignore",
    },
  );
}
