import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Ended, quiet, shell } from "./program.ts";

/** A project outside of the directories for temporary files. */
function project(): { readonly cwd: string; readonly env: Readonly<Record<string, string>> } {
  const base = realpathSync(
    mkdtempSync(join(process.getuid?.() === 0 ? "/var/lib" : homedir(), "cordon-terminal-")),
  );
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  chmodSync(base, 0o755);
  const [cwd, home] = [join(base, "project"), join(base, "home")];
  mkdirSync(cwd);
  mkdirSync(home);
  return { cwd, env: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: home, LANG: "C.UTF-8", TERM: "xterm" } };
}

/** Runs a shell line on a terminal of its own; `out` is every byte that reached that terminal. */
function onTerminal(
  line: string,
  { input = "", env = {} }: { readonly input?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Ended {
  const around = project();
  const ended = shell(`script -qec "$LINE" /dev/null`, {
    ...around,
    input,
    env: { ...around.env, ...env, LINE: line, SANDBOX: "sandbox --no-ambient" },
  });
  quiet(ended.out);
  return ended;
}

const RUN = '"$NODE" "$CORDON" $SANDBOX';
const EVIL = String.raw`\033]52;c;ZXZpbA==\007\033[31mred\033[0m\033[2J\033[6n\302\2335n`;

describe("what a command writes to a terminal", () => {
  it("keeps its colours and loses what talks to the terminal", () => {
    const { out, status } = onTerminal(`${RUN} -- "printf '${EVIL}'"`);
    expect(status).toBe(0);
    expect(out).toContain("^[]52;c;ZXZpbA==\u001b[31mred\u001b[0m\\u{9b}5n");
    expect(out.replaceAll("\u001b[31m", "").replaceAll("\u001b[0m", "")).not.toContain("\u001b");
  });

  it("is filtered on standard error too, and where the other stream goes elsewhere", () => {
    for (const line of [
      `${RUN} -- "printf '${EVIL}' >&2" > /dev/null`,
      `${RUN} -- "printf '${EVIL}' >&2" > file`,
      `${RUN} -- "printf '${EVIL}'" 2> /dev/null`,
      `${RUN} -- "printf '${EVIL}'" 2> file`,
      `${RUN} -- "printf '${EVIL}'" 2>&1 < /dev/null`,
    ])
      expect(onTerminal(line).out.trim(), line).toBe("^[]52;c;ZXZpbA==\u001b[31mred\u001b[0m\\u{9b}5n");
  });

  it("does not get there by another way: standard input, the controlling terminal, descriptors", () => {
    const ways =
      ">&0; printf X > /dev/tty; printf Y > /proc/self/fd/0; for n in 3 4 5 6 7 8 9 10; do printf Z >&\\$n; done";
    const { out } = onTerminal(`${RUN} -- "(printf '${EVIL}' ${ways}) 2> /dev/null; true"`);
    expect(out.trim()).toBe("");
  });

  it("is written as it is for somebody who asks for that", () => {
    expect(onTerminal(`${RUN} --tty -- "printf '${EVIL}'"`).out).toContain("\u001b]52;c;ZXZpbA==\u0007");
  });

  it("comes in its order from both streams", () => {
    const { out } = onTerminal(`${RUN} -- "for i in 1 2 3 4 5; do echo a\\$i; echo b\\$i >&2; done"`);
    expect(out.replace(/\r/g, "")).toBe("a1\nb1\na2\nb2\na3\nb3\na4\nb4\na5\nb5\n");
  });

  it("a command sees that it is no terminal, and colours only what the person wants coloured", () => {
    const look = "[ -t 1 ] || echo pipe; echo colour=\\${FORCE_COLOR-unset}";
    expect(onTerminal(`${RUN} -- "${look}"`).out).toBe("pipe\r\ncolour=unset\r\n");
    expect(onTerminal(`${RUN} -- "${look}"`, { env: { FORCE_COLOR: "1" } }).out).toBe("pipe\r\ncolour=1\r\n");
  });
});

describe("what a person types", () => {
  it("reaches the command", () => {
    const { out } = onTerminal(`${RUN} -- "read x; echo got-\\$x"`, { input: "hello\n" });
    expect(out).toContain("got-hello");
  });

  it("is not waited for in the background", () => {
    const line = `bash -c 'set -m; ${RUN} -- "cat; echo ended" & wait $!; echo status $?'`;
    expect(onTerminal(line).out).toMatch(/ended[^]*status 0/);
  });
});

describe("the limit of output", () => {
  const limit = `--settings '{"cordon": {"limits": {"output": "1M"}}}'`;
  it("holds where the output goes to somebody else", () => {
    const around = project();
    const ended = shell(
      `"$NODE" "$CORDON" sandbox --no-ambient ${limit} -- yes > >(wc -c); echo "status $?"; wait`,
      around,
    );
    expect(ended.out).toMatch(/status 137/);
    expect(ended.out).toMatch(/^1048576$/m);
    expect(ended.err).toContain("cordon: killed: 1 MiB output limit\n");
  });

  it("is told in the log in the same words", () => {
    const around = project();
    const settings = '{"permissions": {"allow": ["Bash(yes)"]}, "cordon": {"limits": {"output": "1M"}}}';
    const { out } = shell(
      `"$NODE" "$CORDON" run --no-ambient --settings '${settings}' -- yes 2>&1 | tail -n 1; "$NODE" "$CORDON" audit tail`,
      around,
    );
    expect(out).toMatch(/^(?:y\n)?cordon: killed: 1 MiB output limit\n/);
    expect(out).toMatch(/limit\/output .*killed: 1 MiB output limit/);
  });
});
