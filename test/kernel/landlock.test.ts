import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { buildLauncher } from "../../scripts/native.mjs";

const base = realpathSync(mkdtempSync(join(tmpdir(), "cordon-landlock-")));
chmodSync(base, 0o755);
afterAll(() => rmSync(base, { recursive: true, force: true }));

const built = buildLauncher(join(base, "native"), { strict: true });
const launcher = built.built ? built.path : "";
const abi = built.built
  ? Number(/landlock (\d+)/.exec(spawnSync(launcher, ["version"], { encoding: "utf8" }).stdout)?.[1] ?? 0)
  : 0;
if (abi === 0) process.stderr.write("SKIPPED: no compiler or no Landlock here, its rules were not tried\n");

/** What every program needs to start. */
const SYSTEM = ["/usr", "/etc", "/lib", "/lib64", "/bin", "/sbin", "/opt"].flatMap((path) =>
  existsSync(path) ? ["--landlock-read", realpathSync(path)] : [],
);
const AS: readonly (readonly string[])[] =
  process.getuid?.() === 0 ? [[], ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]] : [[]];

function restrict(as: readonly string[], words: readonly string[], command: readonly string[]) {
  const argv = [
    ...as,
    launcher,
    "restrict",
    "--landlock",
    String(Math.min(abi, 7)),
    ...SYSTEM,
    ...words,
    "--",
    ...command,
  ];
  const { status, stdout, stderr } = spawnSync(argv[0] ?? "", argv.slice(1), {
    encoding: "utf8",
    cwd: base,
    env: { PATH: "/usr/bin:/bin" },
    timeout: 20_000,
  });
  return { status, stdout, stderr };
}

describe.skipIf(abi === 0)("the launcher's rules of Landlock", () => {
  const room = (): { readonly own: string; readonly other: string } => {
    const at = mkdtempSync(join(base, "room-"));
    const [own, other] = [join(at, "own"), join(at, "other")];
    for (const path of [at, own, other]) {
      mkdirSync(path, { recursive: true });
      chmodSync(path, 0o777);
    }
    for (const path of [own, other]) {
      writeFileSync(join(path, "file"), "was\n");
      chmodSync(join(path, "file"), 0o666);
    }
    return { own, other };
  };
  const sh = (as: readonly string[], words: readonly string[], text: string) =>
    restrict(as, [...words, "--landlock-device", "/dev/null"], ["/bin/sh", "-c", text]);

  it.each(AS)("grant writing where they say so, and nowhere else (%s)", (...as) => {
    const { own, other } = room();
    const text = [
      `echo new > ${own}/made && echo made`,
      `mkdir ${own}/dir && mv ${own}/made ${own}/dir/ && rm -r ${own}/dir && echo moved`,
      `echo x > ${other}/file; echo x > ${other}/made; rm ${other}/file; mkdir ${other}/dir; mv ${own}/file ${other}/moved`,
      `ln ${other}/file ${own}/link; ln -s x ${other}/sym; mkfifo ${other}/pipe; truncate -s0 ${other}/file`,
    ].join("\n");
    // The same without rules changes everything: the attempts are real ones.
    const control = room();
    spawnSync("/bin/sh", ["-c", text.replaceAll(own, control.own).replaceAll(other, control.other)]);
    expect(existsSync(join(control.other, "made"))).toBe(true);
    const { stdout } = sh(as, ["--landlock-write", own, "--landlock-read", other], text);
    expect(stdout).toBe("made\nmoved\n");
    expect(readFileSync(join(other, "file"), "utf8")).toBe("was\n");
    for (const name of ["made", "dir", "moved", "sym", "pipe"])
      expect(existsSync(join(other, name))).toBe(false);
    expect(existsSync(join(own, "link"))).toBe(false);
  });

  it.each(AS)("grant reading where they say so, and nowhere else (%s)", (...as) => {
    const { own, other } = room();
    const { stdout } = sh(
      as,
      ["--landlock-read", own],
      `cat ${own}/file; cat ${other}/file; ls ${other}; cat < ${other}/../other/file`,
    );
    expect(stdout).toBe("was\n");
  });

  it("let the content of files change and nothing be made with `edit`", () => {
    const { own } = room();
    const { stdout } = sh(
      [],
      ["--landlock-edit", own],
      `echo new > ${own}/file && cat ${own}/file; echo x > ${own}/made; rm ${own}/file`,
    );
    expect(stdout).toBe("new\n");
    expect(existsSync(join(own, "made"))).toBe(false);
    expect(readFileSync(join(own, "file"), "utf8")).toBe("new\n");
  });

  it("hold for a single file, by its name only", () => {
    const { own } = room();
    writeFileSync(join(own, "second"), "second\n");
    const { stdout } = sh([], ["--landlock-read", join(own, "file")], `cat ${own}/file ${own}/second`);
    expect(stdout).toBe("was\n");
  });

  it("let the first three descriptors be opened again, each in its own direction", () => {
    const { own } = room();
    const text = `echo out > /dev/stdout; cat /dev/stdin; echo changed 1<> /dev/stdin`;
    const argv = ["restrict", "--landlock", String(Math.min(abi, 7)), ...SYSTEM, "--", "/bin/sh", "-c", text];
    const shell = `exec ${[launcher, ...argv].map((word) => `'${word}'`).join(" ")} < ${own}/file > ${own}/out 2>/dev/null`;
    spawnSync("/bin/sh", ["-c", shell], { timeout: 20_000 });
    expect(readFileSync(join(own, "file"), "utf8")).toBe("was\n");
    expect(readFileSync(join(own, "out"), "utf8")).toContain("was\n");
  });

  it.runIf(abi >= 6)("keep signals from processes outside, and let them pass inside", () => {
    const inside = sh(
      [],
      ["--landlock-scope", "signal"],
      `kill -0 ${process.pid} || echo refused; sleep 5 & kill $! && echo sent`,
    );
    expect(inside.stdout).toBe("refused\nsent\n");
    expect(sh([], [], `kill -0 ${process.pid} && echo sent`).stdout).toBe("sent\n");
  });

  it("set no_new_privs", () => {
    expect(sh([], ["--landlock-read", "/proc"], "grep NoNewPrivs /proc/self/status").stdout).toBe(
      "NoNewPrivs:\t1\n",
    );
  });

  it("refuse to start what they cannot be applied to", () => {
    const { own } = room();
    symlinkSync(own, join(own, "..", "alias"));
    const alias = join(own, "..", "alias");
    const cases: readonly (readonly [readonly string[], string])[] = [
      [["--landlock-read", join(own, "absent")], "no rule can be made (No such file or directory)"],
      [["--landlock-read", alias], "no rule can be made (Too many levels of symbolic links)"],
      [["--landlock-read", join(alias, "file")], "no rule can be made (Too many levels of symbolic links)"],
      [["--landlock-read-try", alias], "no rule can be made (Too many levels of symbolic links)"],
      [["--landlock-read", "relative"], "a path is not absolute"],
      [["--landlock-reed", own], "an unknown word"],
      [["--landlock-read"], "a word without a value"],
      [["--landlock", "99"], "an ABI that is not known here"],
      [["--landlock", "0"], "an ABI that is not known here"],
      [["--landlock", "7x"], "an ABI that is not known here"],
    ];
    for (const [words, why] of cases) {
      const argv = words.length === 1 ? words : [...words, "--", "/bin/echo", "ran"];
      const { stdout, stderr, status } = spawnSync(launcher, ["restrict", "--landlock", "1", ...argv], {
        encoding: "utf8",
      });
      expect([words, stdout, status]).toEqual([words, "", 125]);
      expect(stderr).toContain(why);
    }
    const { stderr } = spawnSync(launcher, ["restrict", "--landlock-read", "/", "--", "/bin/echo", "ran"], {
      encoding: "utf8",
    });
    expect(stderr).toContain("rules without an ABI");
  });

  it("let a path be absent where the plan says so", () => {
    const { own } = room();
    const { stdout } = sh(
      [],
      ["--landlock-read-try", join(own, "absent"), "--landlock-write-try", join(own, "file", "below")],
      "echo ran",
    );
    expect(stdout).toBe("ran\n");
  });

  it("ask an older version for its own rights only", () => {
    const { own } = room();
    for (let version = 1; version <= Math.min(abi, 7); version++) {
      const { stdout } = spawnSync(
        launcher,
        [
          "restrict",
          "--landlock",
          String(version),
          ...SYSTEM,
          "--landlock-write",
          own,
          "--",
          "/bin/sh",
          "-c",
          `echo v > ${own}/file && echo ran`,
        ],
        { encoding: "utf8" },
      );
      expect([version, stdout]).toEqual([version, "ran\n"]);
    }
  });
});
