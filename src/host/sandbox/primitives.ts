import { spawnSync } from "node:child_process";
import { systemProgram } from "./facts.ts";
import type { Parts } from "./ladder.ts";
import { NEWEST_ABI, lostBits } from "../../core/layers/9-sandbox/landlock.ts";
import { groupParents } from "./linux/group.ts";
import { probeSandbox, reasonFor } from "./linux/probe.ts";
import { kernelText } from "./look.ts";

/** One thing of the machine that the sandbox is built from. */
export interface Primitive {
  readonly name: string;
  readonly state: "there" | "missing" | "unknown";
  /** Version, path, or why it is missing. */
  readonly detail: string;
  /** What is lost without it; absent where it is there. */
  readonly costs?: string | undefined;
  readonly cure?: string | undefined;
}

/** Tries each primitive by itself. Changes nothing; takes some tens of milliseconds. */
export function lookAtPrimitives(
  parts: Parts,
  options: { readonly bwrapPath?: string | undefined },
): readonly Primitive[] {
  return [
    userNamespaces(),
    bubblewrap(options),
    launcher(parts),
    landlock(parts),
    systemCallFilter(),
    controlGroups(),
    overlays(parts),
    userNotification(),
    appArmor(),
  ];
}

function userNamespaces(): Primitive {
  const name = "user namespaces";
  const unshare = systemProgram("unshare", []);
  if (unshare === undefined)
    return { name, state: "unknown", detail: "unshare(1) is not installed", cure: "install util-linux" };
  const { status, stderr } = spawnSync(unshare, ["-Urnpmf", "true"], {
    cwd: "/",
    env: {},
    timeout: 3_000,
    encoding: "utf8",
  });
  if (status === 0)
    return { name, state: "there", detail: "with mounts, processes and a network of their own" };
  const [detail, cure] = reasonFor((stderr ?? "").trim(), "unshare");
  return { name, state: "missing", detail, costs: "the rungs native and bubblewrap", cure };
}

function bubblewrap(options: { readonly bwrapPath?: string | undefined }): Primitive {
  const probe = probeSandbox(options);
  return probe.kind === "available"
    ? { name: "bubblewrap", state: "there", detail: `${probe.version ?? ""} (${probe.bubblewrap ?? ""})` }
    : {
        name: "bubblewrap",
        state: "missing",
        detail: probe.why,
        costs: "the rung bubblewrap",
        cure: probe.cure,
      };
}

function launcher({ launcher: found }: Parts): Primitive {
  return found.kind === "found"
    ? { name: "launcher", state: "there", detail: `${found.path} (sha256 ${found.sha256.slice(0, 16)})` }
    : {
        name: "launcher",
        state: "missing",
        detail: found.why,
        costs:
          "the rungs native and landlock, and Landlock beside the mounts: some milliseconds a command, no class",
        cure: found.cure,
      };
}

function landlock({ launcher: found, abi }: Parts): Primitive {
  const name = "Landlock";
  if (found.kind !== "found")
    return { name, state: "unknown", detail: "only the launcher can ask for it", cure: found.cure };
  const version = abi();
  if (version === 0)
    return {
      name,
      state: "missing",
      detail: "this kernel has none, or it is switched off",
      costs: "the rung landlock, and the second wall behind the mounts",
      cure: "use a kernel from 6.2 on, with `landlock` in its parameter lsm=",
    };
  const lost = lostBits(version).map(({ what }) => what);
  return {
    name,
    state: "there",
    detail: version > NEWEST_ABI ? `ABI ${version}, used as ${NEWEST_ABI}` : `ABI ${version}`,
    costs: lost.length === 0 ? undefined : `on the rung landlock: ${lost.join("; ")}`,
  };
}

function systemCallFilter(): Primitive {
  const name = "seccomp";
  const actions = kernelText("/proc/sys/kernel/seccomp/actions_avail").trim();
  const costs = "kernel surface, terminal, keyring, exotic sockets; the rung landlock";
  if (process.arch !== "x64" && process.arch !== "arm64")
    return { name, state: "missing", detail: `there is no filter for ${process.arch}`, costs };
  return actions === ""
    ? { name, state: "missing", detail: "the kernel does not list its actions", costs }
    : { name, state: "there", detail: `filter for ${process.arch}` };
}

function controlGroups(): Primitive {
  const name = "control groups";
  const parents = groupParents();
  const usable = Object.entries(parents).flatMap(([controller, path]) =>
    path === undefined ? [] : [controller],
  );
  const missing = ["pids", "memory"].filter((controller) => !usable.includes(controller));
  return {
    name,
    state: usable.length === 0 ? "missing" : "there",
    detail: usable.length === 0 ? "none can be made" : `writable: ${usable.join(", ")}`,
    costs:
      missing.length === 0
        ? undefined
        : `${missing.join(" and ")} of all processes together are counted from outside, not held by the kernel`,
    cure: missing.length === 0 ? undefined : "a session with delegated controllers (systemd: Delegate=yes)",
  };
}

function overlays({ launcher: found }: Parts): Primitive {
  const name = "overlays";
  const costs = "package manager caches are read-only or private inside";
  if (!/\boverlay$/m.test(kernelText("/proc/filesystems")))
    return {
      name,
      state: "missing",
      detail: "the kernel has no overlayfs loaded",
      costs,
      cure: "modprobe overlay",
    };
  return found.kind === "found"
    ? { name, state: "there", detail: "mounted by the launcher" }
    : { name, state: "missing", detail: "only the launcher mounts them", costs, cure: found.cure };
}

function userNotification(): Primitive {
  const name = "user notification";
  const there = /\buser_notif\b/.test(kernelText("/proc/sys/kernel/seccomp/actions_avail"));
  return there
    ? { name, state: "there", detail: "a call can wait for an answer" }
    : {
        name,
        state: "missing",
        detail: "the kernel does not offer it",
        costs: "questions are put after a command has failed, not while it waits",
        cure: "use a kernel from 5.0 on",
      };
}

function appArmor(): Primitive {
  const name = "AppArmor";
  const restricts = kernelText("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").trim() === "1";
  return restricts && process.getuid?.() !== 0
    ? {
        name,
        state: "missing",
        detail: "restricts user namespaces of programs without a profile",
        costs: "the rungs native and bubblewrap, unless their programs have a profile",
        cure: "give bwrap an AppArmor profile with `userns,`, or sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
      }
    : { name, state: "there", detail: "does not restrict user namespaces" };
}
