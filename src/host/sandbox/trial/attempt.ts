/** What an escape would do to the person, worst first. */
export type Weight = "high" | "medium" | "low";

/** Groups of ways out, in the order in which they are shown. */
export const TRIAL_CLASSES = {
  write: "write outside the project",
  link: "write by links and renames",
  race: "win a race against a check",
  metadata: "change mode, owner, times of files outside",
  "proc-path": "reach files through /proc and descriptors",
  mount: "change what is mounted",
  device: "open devices and files by handle",
  knob: "set the kernel's knobs and control groups",
  home: "write to the home directory",
  secret: "read a secret",
  environment: "read secrets of other processes",
  hook: "plant a git hook",
  "git-config": "plant git configuration",
  "git-shape": "send git to another repository",
  "git-new": "plant in a new repository, a submodule, a worktree",
  "shell-file": "plant a shell start file",
  "agent-file": "plant an agent's configuration",
  "tool-file": "plant a file that an editor or a tool obeys",
  signal: "signal and change processes outside",
  theft: "take memory and descriptors of processes outside",
  daemon: "live on after the command",
  ipc: "shared memory, semaphores, queues of the machine",
  socket: "unix sockets of the machine",
  abi: "the kernel by another ABI",
  namespace: "make or join namespaces",
  call: "system calls that change the machine",
  setuid: "gain or leave rights",
  terminal: "type into the terminal",
  "socket-family": "sockets that no network namespace holds",
  network: "reach the network",
  limit: "take more than the limits",
  between: "prepare a trap for the next command",
} as const;

export type TrialClass = keyof typeof TRIAL_CLASSES;

/**
 * One attempt to break out, as data. All texts are bash. They find in the environment: `WS` the
 * project, `HOME` and `OUT` a home and a directory outside of it, `LOG` a directory for servers
 * and victims, `BASE` the directory of all of them, `ID` and `NUM` names of this attempt alone,
 * `NODE` the program. `c` and `py` run the attempt's own C function and Python text with arguments.
 *
 * INVARIANT: without a sandbox it changes nothing of the machine but the scene it is given, and
 * what `clean` takes back.
 */
export interface Attempt {
  readonly id: string;
  readonly class: TrialClass;
  readonly weight: Weight;
  /** What it tries, lower case, no full stop. */
  readonly title: string;
  /** Programs without which it cannot be tried. */
  readonly needs?: readonly string[];
  /** Run outside, before. What it leaves in the background lives until the attempt is judged. */
  readonly prepare?: string;
  /** Run inside. */
  readonly attack: string;
  /** Run outside between two commands. */
  readonly between?: string;
  /** A second command inside. */
  readonly again?: string;
  /** A second command inside at the same time. */
  readonly beside?: string;
  /** The project, relative to `BASE`; default `ws`. */
  readonly root?: string;
  /** Directory of the second command, relative to the project. */
  readonly againIn?: string;
  /** Body of `int attack(int argc, char **argv)`; the arguments begin at `argv[1]`. */
  readonly c?: string;
  readonly python?: string;
  /** Run outside before the truth is asked: what a person does then, whose effects count as changes. */
  readonly after?: string;
  /**
   * Run outside, after. 0: the attack succeeded, 1: it did not, anything else: nobody can tell.
   *
   * It finds `OUTPUT`, a file with what the attack printed, and knows `changed NAME` (`outside`,
   * `home`: something there is another than before), `leaked` (the secret of this attempt is in the
   * output or in `WS/loot*`), `got` (the file `WS/got` exists) and `work` (a person uses git there).
   */
  readonly truth: string;
  /** Run outside at the end, whatever happened: takes back what lies outside the scene. */
  readonly clean?: string;
  /** The attack as it is made without a sandbox, where the same text would do harm there. */
  readonly open?: string;
  /**
   * Whether the attack can be shown to work without a sandbox. `root`: by root only. `maybe`: not on
   * every machine. Else a reason why it cannot.
   */
  readonly control?: "root" | { readonly maybe: string } | { readonly impossible: string };
  /** Takes seconds of processor time; what is tried does not depend on the rung. */
  readonly heavy?: boolean;
  /** The part of this attempt that is known to be open, told by the documentation. */
  readonly known?: string;
}

export const OUTSIDE_CHANGED = "changed outside";
export const HOME_CHANGED = "changed home";
export const LEAKED = "leaked";
export const GOT = "got";
/** A hook, a filter or a setting left this mark when a person worked with git. */
export const RAN = `work; test -e "$MARK"`;
