import { isAbsolute } from "node:path";
import type { ToolCall } from "../core/call/call.ts";
import { type JsonObject, isObject, stringAt, trueAt } from "../core/call/json.ts";
import { modeNamed } from "../core/call/mode.ts";
import type { GateContext } from "../core/inquiry/inquiry.ts";
import { buildPolicy } from "../core/settings/merge.ts";
import type { SettingsScope, SettingsSource } from "../core/settings/source.ts";
import { type GateOptions, contextAt, createGate, decideCall } from "../host/gate.ts";
import { readLines } from "../host/lines.ts";
import { loadSources } from "../host/settings/load.ts";
import { codeOf, reasonOf } from "../host/settings/read-file.ts";
import { builtInTables } from "../host/tables.ts";
import { EXIT, type Terminal, printable, printableJson } from "./command.ts";
import { decisionJson, opinionsJson } from "./decision-json.ts";
import { lineFor, reportProblems } from "./given-settings.ts";

/** Most policies kept compiled at once. */
const MOST_CONTEXTS = 64;
/** Longest line that is read, in characters. */
const LONGEST_LINE = 64 * 1024 * 1024;

/** A line that is no call, said so that its author can mend it. */
interface LineFault {
  readonly id?: unknown;
  readonly error: { readonly code: string; readonly message: string; readonly line: number };
}

export interface BatchSetup {
  /** What a line that does not say it is taken for. */
  readonly sandboxed: boolean;
  /** Print what every layer said as well. */
  readonly explain: boolean;
}

/**
 * Decides one call a line. A faulty line yields an error object and does not stop the rest; settings
 * that were named and cannot be read stop all of it before the first line. What is wrong with the
 * settings files is said once a problem.
 *
 * Assumes neither directory: without `options.cwd` or `options.home` a line must name its own.
 */
export async function checkBatch(options: GateOptions, setup: BatchSetup, io: Terminal): Promise<number> {
  // Judged by the named settings alone; what else holds depends on the line.
  const named = createGate({
    ...options,
    cwd: options.cwd ?? "/",
    home: options.home ?? "/",
    ambient: false,
  });
  if (reportProblems(named, io, options)) return EXIT.settings;
  const told = new Set(named.problems.map((problem) => lineFor(problem, options)));
  const tell = (text: string): void => {
    if (!told.has(text)) io.stderr(text);
    told.add(text);
  };
  const tables = builtInTables();
  const contexts = new Map<string, GateContext>();
  let faulty = 0;
  let number = 0;
  let calls = 0;
  let pending: string[] = [];
  const flush = (): void => {
    if (pending.length > 0) io.stdout(`${pending.join("\n")}\n`);
    pending = [];
  };
  const contextFor = (line: JsonObject, cwd: string, home: string): GateContext => {
    const given = ["managed", "user", "project", "settings"].map((name) => line[name]);
    const key = JSON.stringify([cwd, home, given]);
    let context = contexts.get(key);
    if (context === undefined) {
      const loaded = loadSources({
        root: cwd,
        cwd,
        home,
        env: options.env ?? {},
        settingsArg: options.settings,
        managedArg: options.managed,
        ambient: options.ambient !== false,
      });
      const place = { root: cwd, cwd, home };
      const sources = [...loaded.sources, ...inlineSources(line, cwd, home, options.ambient === false)];
      const policy = buildPolicy(sources, place, loaded.fingerprint);
      for (const problem of policy.problems)
        if (problem.file !== undefined && problem.severity !== "note") tell(lineFor(problem, options));
      context = contextAt(policy, place, (options.ambient !== false && options.env) || {}, tables);
      if (contexts.size >= MOST_CONTEXTS) contexts.clear();
      contexts.set(key, context);
    }
    return context;
  };
  const answerTo = (text: string): string => {
    const call = readLine(text, number, options, setup.sandboxed);
    if ("error" in call) {
      const fault = JSON.stringify(call);
      faulty++;
      return fault;
    }
    const decision = decideCall(contextFor(call.line, call.call.cwd, call.call.home), call.call);
    const more = setup.explain ? { opinions: opinionsJson(decision) } : {};
    return JSON.stringify({ ...decisionJson(decision, call.line["id"]), ...more });
  };
  let reading = true;
  try {
    for await (const text of readLines(io.stdin, LONGEST_LINE)) {
      reading = false;
      number++;
      if (text.trim() !== "") {
        calls++;
        const answer = deepProof(
          () => answerTo(text),
          number,
          () => faulty++,
        );
        pending.push(printableJson(answer));
      }
      if (pending.length >= 256) flush();
      reading = true;
    }
  } catch (error) {
    const code = codeOf(error);
    if (!reading || code === undefined) throw error;
    flush();
    io.stderr(`cordon check: standard input cannot be read: ${printable(reasonOf(error))}\n`);
    return EXIT.data;
  }
  flush();
  if (faulty > 0)
    io.stderr(
      `cordon: ${faulty} of ${calls} ${calls === 1 ? "line" : "lines"} could not be read; each has an \`error\` in the output\n`,
    );
  return faulty > 0 ? EXIT.data : EXIT.ok;
}

/** The answer; a line whose nesting is too deep to be followed gets an error of its own. */
function deepProof(answer: () => string, line: number, count: () => void): string {
  try {
    return answer();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    count();
    const fault: LineFault = { error: { code: "depth", message: "the line is nested too deeply", line } };
    return JSON.stringify(fault);
  }
}

type LineCall = { readonly line: JsonObject; readonly call: ToolCall };

function readLine(
  text: string,
  number: number,
  options: GateOptions,
  sandboxed: boolean,
): LineCall | LineFault {
  let line: unknown;
  const fault = (code: string, message: string, id?: unknown): LineFault => ({
    ...(id === undefined ? {} : { id }),
    error: { code, message, line: number },
  });
  try {
    line = JSON.parse(text);
  } catch (error) {
    return fault("json", error instanceof Error ? error.message : String(error));
  }
  if (!isObject(line)) return fault("shape", "the line is no JSON object");
  const id = line["id"];
  const tool = stringAt(line, "tool");
  if (tool === undefined || tool === "") return fault("tool", "`tool` must be a non-empty string", id);
  const { input } = line;
  if (!isObject(input)) return fault("input", "`input` must be an object", id);
  for (const name of ["cwd", "home"]) {
    const path = line[name];
    if (path !== undefined && (typeof path !== "string" || !isAbsolute(path) || path.includes("\0")))
      return fault(name, `\`${name}\` must be an absolute path`, id);
  }
  const named = line["mode"];
  const mode = typeof named === "string" ? modeNamed(named) : undefined;
  if (named !== undefined && named !== null && mode === undefined)
    return fault("mode", `there is no mode \`${JSON.stringify(named)}\``, id);
  if (line["sandboxed"] !== undefined && typeof line["sandboxed"] !== "boolean")
    return fault("sandboxed", "`sandboxed` must be true or false", id);
  for (const name of ["settings", "managed", "user", "project"]) {
    if (line[name] !== undefined && !isObject(line[name]))
      return fault(name, `\`${name}\` must be an object`, id);
  }
  const cwd = stringAt(line, "cwd") ?? options.cwd;
  if (cwd === undefined) return fault("cwd", "the current directory is gone; give the line a `cwd`", id);
  const home = stringAt(line, "home") ?? options.home;
  if (home === undefined) return fault("home", "there is no home directory; give the line a `home`", id);
  return {
    line,
    call: {
      tool,
      input,
      cwd,
      root: cwd,
      home,
      mode: mode ?? options.mode,
      sandboxed: trueAt(line, "sandboxed") || (line["sandboxed"] === undefined && sandboxed),
      agent: stringAt(line, "agent"),
      session: stringAt(line, "session"),
    },
  };
}

/** Settings that stand in the line itself: trusted, and managed only where no real ones are read. */
function inlineSources(
  line: JsonObject,
  cwd: string,
  home: string,
  isolated: boolean,
): readonly SettingsSource[] {
  const sources: SettingsSource[] = [];
  const add = (name: string, scope: SettingsScope, anchor: string): void => {
    const value = line[name];
    if (isObject(value))
      sources.push({
        scope,
        text: JSON.stringify(value),
        trusted: true,
        repository: name === "project",
        anchor,
        base: anchor,
      });
  };
  add("managed", isolated ? "managed" : "command-line", cwd);
  add("settings", "project", cwd);
  add("project", "project", cwd);
  add("user", "user", `${home}/.claude`);
  return sources;
}
