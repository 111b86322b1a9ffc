import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Gate, createGate } from "../../../src/host/gate.ts";
import { type Answer, type Question, type RunSetup, runCall } from "../../../src/host/run/run-call.ts";
import { runUnconfined } from "../../../src/host/run/unconfined.ts";
import { type Scene, scene } from "../../cli/scene.ts";

const gateAt = (at: Scene, settings: object = {}): Gate =>
  createGate({
    cwd: at.project,
    home: at.home,
    env: at.env,
    ambient: false,
    settings: JSON.stringify(settings),
  });
const bash = (command: string): { readonly tool: "Bash"; readonly input: { readonly command: string } } => ({
  tool: "Bash",
  input: { command },
});
const saying = (answer: Answer | "nobody" | "timeout"): Pick<RunSetup, "ask"> => ({
  ask: async () => answer,
});
const UNAVAILABLE = { kind: "unavailable", why: "there is no bubblewrap here", cure: "install it" } as const;
const NEVER: RunSetup = {
  ask: async () => {
    throw new Error("nobody should be asked");
  },
};

describe("a call that is run", () => {
  it("is asked about only where the gate asks, with everything a person needs", async () => {
    const at = scene();
    const asked: Question[] = [];
    const ask = async (question: Question): Promise<Answer> => {
      asked.push(question);
      return { kind: "once" };
    };
    const stdio = { output: "collect", stdin: "ignore" } as const;
    const free = await runCall(gateAt(at), bash("echo word"), { ...NEVER, stdio });
    expect(free).toMatchObject({ kind: "ran", confined: true, result: { status: 0 } });
    expect(free.kind === "ran" && Buffer.from(free.result.stdout ?? []).toString()).toBe("word\n");
    await runCall(gateAt(at), bash("touch ran"), { ask, stdio });
    expect(asked).toMatchObject([
      {
        command: "touch ran",
        cwd: at.project,
        file: join(at.project, ".cordon/settings.local.json"),
        unconfined: undefined,
      },
    ]);
    expect(existsSync(join(at.project, "ran"))).toBe(true);
  });

  it.each([
    ["git push --force origin main", "nobody", "gate"],
    ["touch ran", "nobody", "nobody"],
    ["touch ran", "timeout", "nobody"],
    ["touch ran", { kind: "deny", message: "not now" }, "person"],
  ] as const)("%s, answered %j, is refused by the %s", async (command, answer, by) => {
    const at = scene();
    const outcome = await runCall(gateAt(at), bash(command), saying(answer));
    expect(outcome).toMatchObject({ kind: "refused", by });
    expect(existsSync(join(at.project, "ran"))).toBe(false);
  });

  it("does not begin once its caller has given up", async () => {
    const at = scene();
    for (const settings of [{}, { sandbox: { enabled: false } }]) {
      const outcome = await runCall(gateAt(at, settings), bash("touch ran"), {
        ...saying({ kind: "once" }),
        stdio: { signal: AbortSignal.abort() },
      });
      expect(outcome).toMatchObject({ kind: "refused", why: "it was interrupted before it began" });
    }
    expect(existsSync(join(at.project, "ran"))).toBe(false);
  });

  it("where there is no sandbox asks whatever the mode, saying so, and runs without one only after a yes", async () => {
    const at = scene();
    const asked: Question[] = [];
    const outcome = await runCall(
      gateAt(at),
      { ...bash("touch ran"), mode: "bypassPermissions" },
      {
        probe: UNAVAILABLE,
        ask: async (question) => {
          asked.push(question);
          return "nobody";
        },
      },
    );
    expect(outcome).toMatchObject({ kind: "refused", by: "nobody" });
    expect(asked).toMatchObject([{ unconfined: "there is no bubblewrap here (cure: install it)" }]);
    const yes = await runCall(gateAt(at), bash("touch ran"), {
      probe: UNAVAILABLE,
      ...saying({ kind: "once" }),
    });
    expect(yes).toMatchObject({ kind: "ran", confined: false, result: { status: 0 } });
    expect(existsSync(join(at.project, "ran"))).toBe(true);
    const must = gateAt(at, { sandbox: { failIfUnavailable: true } });
    expect(await runCall(must, bash("echo"), { ...NEVER, probe: UNAVAILABLE })).toMatchObject({
      kind: "refused",
      by: "gate",
    });
  });

  it("says what of an answer could not be kept, and runs this once", async () => {
    const at = scene();
    at.put("home/app/.cordon/settings.local.json", "{}\n");
    const told: string[] = [];
    const outcome = await runCall(gateAt(at), bash("touch ran"), {
      ...saying({ kind: "always", rules: [{ rule: "Bash(touch ran)", destination: "local" }] }),
      notify: (text) => told.push(text),
    });
    expect(outcome).toMatchObject({ kind: "ran" });
    expect(told).toEqual([
      expect.stringMatching(/^`Bash\(touch ran\)` could not be kept: .*was not written by cordon/),
    ]);
  });
});

describe("a command without a sandbox", () => {
  const collect = { output: "collect", stdin: "ignore" } as const;

  it("gives its output back where it is collected, and takes its input", async () => {
    const result = await runUnconfined("cat; echo err >&2; exit 3", "/", {
      ...collect,
      stdin: Buffer.from("in"),
    });
    expect(result).toMatchObject({ status: 3, ended: "exited", limits: [], violations: [] });
    expect([result.stdout, result.stderr].map((bytes) => Buffer.from(bytes ?? []).toString())).toEqual([
      "in",
      "err\n",
    ]);
  });

  it("ends with all it started when it says too much, takes too long, or is not wanted any more", async () => {
    const much = await runUnconfined("yes & yes", "/", { ...collect, outputLimit: 1000 });
    expect(much).toMatchObject({ status: 137, ended: "limit", limits: [{ limit: "output", allowed: 1000 }] });
    expect(much.stdout).toHaveLength(1000);
    const long = await runUnconfined("sleep 600 & sleep 600", "/", { ...collect, timeLimit: 0.2 });
    expect(long).toMatchObject({ status: 137, ended: "limit", limits: [{ limit: "time", allowed: 0.2 }] });
    const controller = new AbortController();
    const work = runUnconfined("sleep 600 & sleep 600", "/", { ...collect, signal: controller.signal });
    controller.abort();
    expect(await work).toMatchObject({ status: 137, ended: "aborted" });
  });

  it("tells a signal from a status", async () => {
    expect(await runUnconfined("kill -TERM $$", "/", collect)).toMatchObject({
      status: 143,
      ended: "exited",
    });
  });

  it("rejects where it cannot be started", async () => {
    await expect(runUnconfined("true", "/nowhere/at/all", collect)).rejects.toThrow();
  });
});
