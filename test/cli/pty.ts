import { spawn } from "node:child_process";
import { PROGRAM } from "./program.ts";

/** Waits until the text stands on the screen, behind what was waited for before, and then does something. */
export interface Step {
  readonly expect: string;
  /** Keys that are pressed. */
  readonly send?: string;
  /** Each time it stands there, to the end, be it never. */
  readonly every?: true;
  /** A signal to the program alone. */
  readonly signal?: "SIGTERM" | "SIGINT";
  /** The terminal goes away. */
  readonly hangup?: true;
  /** A file whose content at this moment is given back in `looks`; null where there is none. */
  readonly look?: string;
}

export interface Screen {
  /** 128 and its number for a signal. */
  readonly status: number;
  /** Everything that appeared, with the terminal's line ends. */
  readonly screen: string;
  readonly looks: readonly (string | null)[];
}

// Node has no pseudo-terminals of its own.
const DRIVER = `
import base64, fcntl, json, os, pty, select, signal, struct, sys, termios, time
spec = json.loads(sys.argv[1])
ready, go = os.pipe()
pid, fd = pty.fork()
if pid == 0:
    os.read(ready, 1)
    os.chdir(spec["cwd"])
    os.execvpe(spec["argv"][0], spec["argv"], spec["env"])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, spec["columns"], 0, 0))
os.write(go, b"1")
screen, seen, looks, steps = b"", 0, [], spec["steps"]
deadline = time.monotonic() + 50
while fd >= 0:
    while steps and fd >= 0:
        step = steps[0]
        wanted = step["expect"].encode()
        at = screen.find(wanted, seen)
        if at < 0: break
        seen = at + len(wanted)
        if "every" not in step: steps.pop(0)
        if "look" in step:
            try: looks.append(base64.b64encode(open(step["look"], "rb").read()).decode())
            except FileNotFoundError: looks.append(None)
        if "send" in step: os.write(fd, step["send"].encode())
        if "signal" in step: os.kill(pid, getattr(signal, step["signal"]))
        if "hangup" in step:
            os.close(fd)
            fd = -1
    if fd < 0: break
    if not select.select([fd], [], [], max(0, deadline - time.monotonic()))[0]:
        os.kill(pid, signal.SIGKILL)
        steps.append({"expect": "an end"})
        break
    try: data = os.read(fd, 65536)
    except OSError: break
    if not data: break
    screen += data
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
print(json.dumps({
    "status": status if status >= 0 else 128 - status,
    "screen": base64.b64encode(screen).decode(),
    "looks": looks,
    "left": [step["expect"] for step in steps if "every" not in step],
}))
`;

/** Runs the program on a terminal of its own. Throws where a step was not reached. */
export function onTerminal(
  argv: readonly string[],
  steps: readonly Step[],
  around: Parameters<typeof ofProgram>[2],
): Promise<Screen> {
  return ofProgram([process.execPath, PROGRAM, ...argv], steps, around);
}

/** Runs a line of shell, in which `$CORDON` is the program, on a terminal of its own. */
export function shellOnTerminal(
  line: string,
  steps: readonly Step[],
  around: Parameters<typeof ofProgram>[2],
): Promise<Screen> {
  const env = { ...around.env, NODE: process.execPath, CORDON: PROGRAM };
  return ofProgram(["bash", "--noprofile", "--norc", "-c", line], steps, { ...around, env });
}

async function ofProgram(
  argv: readonly string[],
  steps: readonly Step[],
  around: {
    readonly cwd: string;
    readonly env: Readonly<Record<string, string>>;
    readonly columns?: number;
  },
): Promise<Screen> {
  const { columns = 100, cwd, env } = around;
  const spec = { argv, steps, cwd, env, columns };
  const child = spawn("python3", ["-I", "-c", DRIVER, JSON.stringify(spec)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (data: Buffer) => (text += data.toString("utf8")));
  await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  const { status, screen, looks, left }: Screen & { readonly left: readonly string[] } = JSON.parse(text);
  const shown = Buffer.from(screen, "base64").toString("utf8");
  if (left.length > 0) throw new Error(`\`${left[0]}\` never appeared; the screen:\n${shown}`);
  return {
    status,
    screen: shown,
    looks: looks.map((look) => (look === null ? null : Buffer.from(look, "base64").toString("utf8"))),
  };
}
