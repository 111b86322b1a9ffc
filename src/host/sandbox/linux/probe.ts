import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Footing } from "../footing.ts";
import { SYSTEM_PROGRAMS, systemProgram } from "../facts.ts";
import { kernelText } from "../look.ts";

/** Whether commands can be confined here. */
export type Probe =
  | {
      readonly kind: "available";
      readonly bubblewrap?: string | undefined;
      /** Of bubblewrap, where it is used. */
      readonly version?: string | undefined;
      /** The rung that was chosen and proved; absent = nobody has climbed the ladder. */
      readonly footing?: Footing | undefined;
    }
  | {
      readonly kind: "unavailable";
      readonly why: string;
      /** What a person can do about it. */
      readonly cure: string;
    };

/**
 * Finds bubblewrap and runs `true` in a sandbox of the kind that commands get. Trusts nothing that
 * is merely installed: available means that namespaces, mounts and the loss of capabilities were
 * seen to work now.
 *
 * `bwrapPath` is the settings' own choice. Takes some ten milliseconds.
 */
export function probeSandbox(options: { readonly bwrapPath?: string | undefined } = {}): Probe {
  if (process.platform !== "linux")
    return unavailable(`no sandbox for ${process.platform} in this version`, "run on Linux");
  const bubblewrap = bubblewrapIn(options);
  if (bubblewrap === undefined || statSync(bubblewrap, { throwIfNoEntry: false }) === undefined)
    return unavailable(
      options.bwrapPath === undefined
        ? `bubblewrap is not in ${SYSTEM_PROGRAMS.join(", ")}`
        : `${options.bwrapPath} (setting sandbox.bwrapPath) does not exist`,
      "apt-get install bubblewrap (or dnf, pacman, apk, zypper)",
    );
  const prlimit = systemProgram("prlimit", []);
  if (prlimit === undefined || systemProgram("bash", []) === undefined)
    return unavailable(
      `${prlimit === undefined ? "prlimit" : "bash"} is not in ${SYSTEM_PROGRAMS.join(", ")}`,
      `apt-get install ${prlimit === undefined ? "util-linux" : "bash"}`,
    );
  const run = (args: readonly string[]): ReturnType<typeof spawnSync> =>
    spawnSync(bubblewrap, args, { cwd: "/", env: {}, timeout: PATIENCE, encoding: "utf8" });
  const version = /(\d+)\.(\d+)\.\d+/.exec(String(run(["--version"]).stdout));
  if (version === null) return unavailable(`${bubblewrap} does not tell its version`, "reinstall bubblewrap");
  if (Number(version[1]) === 0 && Number(version[2]) < 8)
    return unavailable(`bubblewrap is ${version[0]}, 0.8.0 is needed`, "install a later bubblewrap");
  const trial = run([...TRIAL, "--", join(prlimit), "--core=0:0", "--", "cat", "/proc/self/status"]);
  if (trial.status !== 0)
    return unavailable(...reasonFor(String(trial.stderr).trim() || String(trial.error)));
  const status = String(trial.stdout);
  const held =
    /^CapEff:\s+0+$/m.test(status) && /^CapBnd:\s+0+$/m.test(status) && /^NoNewPrivs:\s+1$/m.test(status);
  if (!held || !/^Pid:\s+[1-9]$/m.test(status))
    return unavailable(
      "bubblewrap ran, but left rights or processes visible inside",
      "report this with the kernel version",
    );
  return { kind: "available", bubblewrap, version: version[0] };
}

/** The bubblewrap that would be used; whether it is there and works is not known yet. */
export function bubblewrapIn(options: { readonly bwrapPath?: string | undefined }): string | undefined {
  return options.bwrapPath ?? systemProgram("bwrap", []);
}

/** Milliseconds after which a bubblewrap that says nothing counts as broken. */
const PATIENCE = 3_000;

/** One of everything a plan is made of. */
const TRIAL: readonly string[] = [
  ...["user", "pid", "ipc", "net", "uts", "cgroup"].map((name) => `--unshare-${name}`),
  ..."--cap-drop ALL --new-session --die-with-parent --ro-bind / / --proc /proc --dev /dev".split(" "),
  ..."--perms 1777 --size 1048576 --tmpfs /tmp --remount-ro /proc".split(" "),
  ..."--clearenv --setenv PATH /usr/bin:/bin --chdir /".split(" "),
];

function unavailable(why: string, cure: string): Probe {
  return { kind: "unavailable", why, cure };
}

/** The cause behind a message of a program that cannot make namespaces, and its cure. */
export function reasonFor(
  message: string,
  program: string = "bubblewrap",
): readonly [why: string, cure: string] {
  const sysctl = (name: string): string => kernelText(`/proc/sys/${name}`).trim();
  if (sysctl("user/max_user_namespaces") === "0")
    return [
      "user namespaces are switched off (user.max_user_namespaces=0)",
      "sysctl -w user.max_user_namespaces=15000",
    ];
  if (sysctl("kernel/unprivileged_userns_clone") === "0" && process.getuid?.() !== 0)
    return [
      "user namespaces are for root only (kernel.unprivileged_userns_clone=0)",
      "sysctl -w kernel.unprivileged_userns_clone=1",
    ];
  if (sysctl("kernel/apparmor_restrict_unprivileged_userns") === "1" && process.getuid?.() !== 0)
    return [
      `AppArmor restricts user namespaces (${message})`,
      "give bwrap an AppArmor profile with `userns,`, or sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ];
  if (/proc/.test(message) && /not permitted|denied/i.test(message))
    return [
      `a fresh /proc cannot be mounted here (${message})`,
      "this looks like a container: start it with --security-opt systempaths=unconfined",
    ];
  if (/namespace|not permitted|denied/i.test(message))
    return [
      `namespaces cannot be made here (${message})`,
      "this looks like a container: start it with --security-opt seccomp=unconfined --security-opt apparmor=unconfined",
    ];
  return [`${program} fails: ${message}`, "run the same command by hand to see more"];
}
