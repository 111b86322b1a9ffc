import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { main } from "../../src/cli/main.ts";
import { command } from "../../src/cli/sandbox.ts";
import { type Outcome, runIn, scene } from "./scene.ts";

const doctor = (argv: readonly string[], from = scene()): Promise<Outcome> =>
  runIn(from, command, ["doctor", "--no-ambient", ...argv]);

describe("cordon sandbox doctor", () => {
  it("tells the rung in use, each rung with its self-test, and each primitive", async () => {
    const { status, out, err } = await doctor(["--json"]);
    const report = JSON.parse(out);
    expect(err).toBe("");
    expect(report.lowest).toBe("bubblewrap");
    expect(report.rungs.map(({ rung }: { rung: string }) => rung)).toEqual([
      "native",
      "bubblewrap",
      "landlock",
    ]);
    expect(status).toBe({ native: 0, bubblewrap: 1 }[String(report.rung)] ?? 2);
    for (const rung of report.rungs) {
      if (rung.works) expect(rung.selfTest.probes).toBeGreaterThanOrEqual(14);
      else
        expect([rung.rung, rung.why, rung.cure]).toEqual([rung.rung, expect.any(String), expect.any(String)]);
      expect(rung.allowed).toBe(rung.rung !== "landlock");
    }
    expect(report.primitives.map(({ name }: { name: string }) => name)).toEqual([
      "user namespaces",
      "bubblewrap",
      "launcher",
      "Landlock",
      "seccomp",
      "control groups",
      "overlays",
      "user notification",
      "AppArmor",
    ]);
    for (const { name, state, costs } of report.primitives)
      if (state === "missing") expect([name, costs]).toEqual([name, expect.stringMatching(/./)]);
  }, 60_000);

  it("names the threat classes that the lowest rung loses, and what does not work there", async () => {
    const { out } = await doctor(["--json"]);
    const { rungs } = JSON.parse(out);
    expect(rungs[0].loses).toEqual([]);
    const lost = rungs[2].loses.map(({ loses }: { loses: string }) => loses);
    expect(lost).toContain("planting during the command");
    expect(lost).toContain("metadata");
    expect(lost).toContain("daemons");
    expect(rungs[2].without.length).toBeGreaterThan(2);
  }, 60_000);

  it("says the same to a person, in lines that end nowhere else", async () => {
    const { out, status } = await doctor([]);
    expect(status).toBeLessThan(3);
    expect(out).toMatch(/^(?:commands are confined by the rung \w+|no sandbox: commands are refused)\n/);
    expect(out).toContain("the lowest rung allowed is bubblewrap (cordon.sandbox.lowestRung)\n");
    expect(out).toContain("loses planting during the command: ");
    expect(out).toMatch(/\n {2}Landlock +\S/);
  }, 60_000);

  it("judges by the lowest rung that the settings allow", async () => {
    const { out, status } = await doctor([
      "--json",
      "--settings",
      '{"cordon":{"sandbox":{"lowestRung":"native"}}}',
    ]);
    const report = JSON.parse(out);
    expect(report.lowest).toBe("native");
    expect(report.rungs.map(({ allowed }: { allowed: boolean }) => allowed)).toEqual([true, false, false]);
    expect(status).toBe(report.rungs[0].works ? 0 : 2);
    const low = await doctor(["--json", "--settings", '{"cordon":{"sandbox":{"lowestRung":"landlock"}}}']);
    expect(JSON.parse(low.out).rungs[2].allowed).toBe(true);
  }, 60_000);

  it("touches nothing but cordon's own state", async () => {
    const at = scene();
    await doctor([], at);
    expect(readdirSync(at.project)).toEqual([]);
    expect(readdirSync(at.home).toSorted()).toEqual([".local", "app"]);
    expect(readdirSync(`${at.home}/.local/state/cordon/self-test`)).toEqual([]);
  }, 60_000);

  it("says what is wrong with a command line", async () => {
    expect(await doctor(["--jsn"])).toMatchObject({ status: 64, out: "" });
    expect(await doctor(["more"])).toMatchObject({ status: 64 });
    expect(await doctor(["--cwd", ""])).toMatchObject({ status: 64 });
    expect(await doctor(["--settings", "{"])).toMatchObject({ status: 78 });
  });

  it("has help of its own, and `doctor` behind the dashes is a command to run", async () => {
    const said: string[] = [];
    const at = scene();
    const io = { stdout: (text: string) => said.push(text) };
    const help: { status?: number } = {};
    const through = {
      name: "main",
      summary: "",
      help: "",
      run: async (argv: readonly string[], terminal: Parameters<typeof main>[1]) =>
        (help.status = await main(argv, terminal, "0")),
    };
    await runIn(at, through, ["sandbox", "doctor", "--help"], io);
    expect(help.status).toBe(0);
    expect(said.join("")).toMatch(/^usage: cordon sandbox doctor/);
    expect(said.join("")).toContain("examples:");
    expect(await runIn(at, command, ["--no-ambient", "--", "doctor-that-is-not-there"])).toMatchObject({
      status: 127,
    });
  }, 60_000);
});
