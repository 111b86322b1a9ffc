import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ACTION,
  BPF,
  type Instruction,
  filterBytes,
  filterProgram,
} from "../../../../src/core/layers/9-sandbox/seccomp.ts";
import {
  ERRNO,
  FILTER_RULES,
  type FilterRule,
  filterRules,
} from "../../../../src/core/layers/9-sandbox/seccomp-rules.ts";
import {
  AUDIT_ARCH,
  CALL_NAMES,
  type CallName,
  type FilterArch,
  LAST_KNOWN_CALL,
  callNumber,
} from "../../../../src/core/layers/9-sandbox/syscalls.ts";

/** One system call as the kernel shows it to a filter. Arguments are 64 bits. */
interface Call {
  readonly arch: number;
  readonly number: number;
  readonly args: readonly bigint[];
}

/** Runs the filter's bytes as the kernel would; throws on anything the kernel would refuse to load. */
function answer(bytes: Uint8Array, call: Call): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, call.number, true);
  data.setUint32(4, call.arch, true);
  call.args.forEach((arg, index) => data.setBigUint64(16 + 8 * index, arg, true));
  let loaded = 0;
  for (let at = 0; at < bytes.length / 8; at++) {
    const [code, jt, jf, k] = [
      view.getUint16(at * 8, true),
      view.getUint8(at * 8 + 2),
      view.getUint8(at * 8 + 3),
      view.getUint32(at * 8 + 4, true),
    ];
    const go = (held: boolean): void => {
      at += held ? jt : jf;
    };
    if (code === BPF.LOAD && k % 4 === 0 && k < 64) loaded = data.getUint32(k, true);
    else if (code === BPF.AND) loaded = (loaded & k) >>> 0;
    else if (code === BPF.EQUAL) go(loaded === k);
    else if (code === BPF.AT_LEAST) go(loaded >= k);
    else if (code === BPF.ANY_BIT) go((loaded & k) !== 0);
    else if (code === BPF.RETURN) return k;
    else throw new Error(`instruction ${at}: ${code}`);
  }
  throw new Error("the filter ended without an answer");
}

const ARCHS: readonly FilterArch[] = ["x64", "arm64"];
const name = (action: number): string =>
  action === ACTION.ALLOW
    ? "allow"
    : action === ACTION.KILL_PROCESS
      ? "kill"
      : (Object.entries(ERRNO).find(([, errno]) => (ACTION.ERRNO | errno) >>> 0 === action)?.[0] ??
        String(action));
const given = (
  bytes: Uint8Array,
  arch: FilterArch,
  number: number,
  args: readonly (number | bigint)[],
): string => name(answer(bytes, { arch: AUDIT_ARCH[arch], number, args: args.map(BigInt) }));
const ask = (arch: FilterArch, number: number, ...args: readonly (number | bigint)[]): string =>
  given(filterBytes(arch), arch, number, args);
const by = (arch: FilterArch, call: CallName, ...args: readonly (number | bigint)[]): string =>
  ask(arch, callNumber(call, arch) ?? -1, ...args);
/** The same where the process has no namespaces of its own. */
const bare = (arch: FilterArch, call: CallName, ...args: readonly (number | bigint)[]): string =>
  given(filterBytes(arch, filterRules(false)), arch, callNumber(call, arch) ?? -1, args);

describe.each(ARCHS)("the system-call filter on %s", (arch) => {
  it("kills every other ABI before it looks at a number", () => {
    for (const other of [0x40000003, 0x40000028, 0, AUDIT_ARCH[arch === "x64" ? "arm64" : "x64"]])
      expect(name(answer(filterBytes(arch), { arch: other, number: 0, args: [] }))).toBe("kill");
    expect(ask(arch, 0x40000000 + 39)).toBe("kill");
    expect(ask(arch, 0x7fffffff)).toBe("kill");
  });

  it("lets a tracer skip a call", () => {
    expect(ask(arch, 0xffffffff)).toBe("allow");
  });

  it("does not know calls that are newer than its table", () => {
    expect(ask(arch, LAST_KNOWN_CALL)).toBe("allow");
    expect(ask(arch, LAST_KNOWN_CALL + 1)).toBe("ENOSYS");
    expect(ask(arch, 4000)).toBe("ENOSYS");
  });

  it("refuses what the table refuses outright, whatever the arguments", () => {
    for (const rule of FILTER_RULES.filter(({ when }) => when === undefined)) {
      const number = callNumber(rule.call, arch);
      if (number !== undefined)
        expect([rule.call, ask(arch, number, 1, 2, 3)]).toEqual([rule.call, rule.errno]);
    }
  });

  it("refuses namespaces by any flag, also with high bits set, and lets threads pass", () => {
    const CLONE_THREAD = 0x3d0f00;
    for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]) {
      expect(by(arch, "clone", flag | 17)).toBe("EPERM");
      expect(by(arch, "unshare", flag)).toBe("EPERM");
      expect(by(arch, "unshare", 0xffffffff00000000n | BigInt(flag))).toBe("EPERM");
    }
    expect(by(arch, "unshare", 0x80)).toBe("EPERM");
    expect(by(arch, "clone", CLONE_THREAD)).toBe("allow");
    expect(by(arch, "clone", 0x80 | 17)).toBe("allow");
    expect(by(arch, "unshare", 0x400)).toBe("allow");
    expect(by(arch, "clone3", 0, 88)).toBe("ENOSYS");
  });

  it("refuses to type into a terminal, by the low half of the request", () => {
    expect(by(arch, "ioctl", 0, 0x5412)).toBe("EPERM");
    expect(by(arch, "ioctl", 0, 0x100005412n)).toBe("EPERM");
    expect(by(arch, "ioctl", 0, 0x541c)).toBe("EPERM");
    expect(by(arch, "ioctl", 0x5412, 0x5413)).toBe("allow");
  });

  it("knows four families of sockets, and of netlink only the routing table", () => {
    const families = Array.from({ length: 64 }, (_unused, family) => family);
    expect(families.filter((family) => by(arch, "socket", family, 1, 0) === "allow")).toEqual([1, 2, 10, 16]);
    expect(families.filter((family) => by(arch, "socket", family, 1, 0) === "EAFNOSUPPORT")).toHaveLength(60);
    expect(by(arch, "socket", 16, 3, 16)).toBe("EAFNOSUPPORT");
    expect(by(arch, "socket", 16, 3, 0x100000000n)).toBe("allow");
  });

  it("makes internet sockets of streams and datagrams of the usual protocols only", () => {
    for (const family of [2, 10]) {
      for (const type of [3, 4, 5, 6, 10]) expect(by(arch, "socket", family, type, 0)).toBe("EPERM");
      for (const flags of [0, 0x800, 0x80000, 0x80800])
        for (const type of [1, 2]) expect(by(arch, "socket", family, type | flags, 0)).toBe("allow");
      for (const protocol of [0, 1, 6, 17, 58, 136, 262])
        expect(by(arch, "socket", family, 1, protocol)).toBe("allow");
      for (const protocol of [2, 33, 115, 132, 255])
        expect(by(arch, "socket", family, 1, protocol)).toBe("EPROTONOSUPPORT");
    }
  });

  it("pairs streams and packets, never datagrams, whatever flags come with them", () => {
    for (const flags of [0, 0x800, 0x80000, 0x80800, 0x100000000n]) {
      const type = (base: number): bigint => BigInt(base) | BigInt(flags);
      expect(by(arch, "socketpair", 1, type(1), 0)).toBe("allow");
      expect(by(arch, "socketpair", 1, type(5), 0)).toBe("allow");
      // A raw unix socket is a datagram socket.
      expect(by(arch, "socketpair", 1, type(2), 0)).toBe("EPERM");
      expect(by(arch, "socketpair", 1, type(3), 0)).toBe("EPERM");
    }
    expect(by(arch, "socketpair", 30, 1, 0)).toBe("EAFNOSUPPORT");
    expect(by(arch, "socketpair", 2, 2, 0)).toBe("EAFNOSUPPORT");
  });

  it("leaves debuggers and shared memory to processes in namespaces of their own", () => {
    for (const call of ["ptrace", "process_vm_readv", "pidfd_getfd", "shmget", "mq_open"] as const) {
      expect([call, by(arch, call, 16, 1)]).toEqual([call, "allow"]);
      expect([call, bare(arch, call, 16, 1)]).toEqual([call, "EPERM"]);
    }
  });

  it("without namespaces opens no socket of any family, and pairs streams all the same", () => {
    for (const family of [1, 2, 10, 16, 17, 40]) expect(bare(arch, "socket", family, 1, 0)).toBe("EPERM");
    expect(bare(arch, "connect", 3, 0, 110)).toBe("EPERM");
    expect(bare(arch, "socketpair", 1, 1, 0)).toBe("allow");
    expect(bare(arch, "socketpair", 1, 2, 0)).toBe("EPERM");
  });

  it("without namespaces changes the limits and the turn of the calling process only", () => {
    expect(bare(arch, "prlimit64", 0, 7, 0)).toBe("allow");
    expect(bare(arch, "prlimit64", 1234, 7, 0)).toBe("EPERM");
    expect(bare(arch, "prlimit64", 0x100000000n, 7, 0)).toBe("allow");
    expect(bare(arch, "setpriority", 0, 0, 5)).toBe("allow");
    for (const [which, who] of [
      [0, 1234],
      [1, 0],
      [2, 0],
    ] as const)
      expect(bare(arch, "setpriority", which, who, 5)).toBe("EPERM");
    expect(bare(arch, "ioprio_set", 1, 0, 5)).toBe("allow");
    expect(bare(arch, "ioprio_set", 3, 0, 5)).toBe("EPERM");
    expect(bare(arch, "sched_setaffinity", 0, 8, 0)).toBe("allow");
    expect(bare(arch, "sched_setaffinity", 1, 8, 0)).toBe("EPERM");
  });

  it("without namespaces changes no owner and no attribute, and lends nobody's rights", () => {
    expect(bare(arch, "fchownat", 0, 0, 0)).toBe("EPERM");
    expect(bare(arch, "setxattr", 0, 0, 0)).toBe("EOPNOTSUPP");
    expect(bare(arch, "ioctl", 3, 0x40086602)).toBe("EOPNOTSUPP");
    expect(bare(arch, "ioctl", 3, 0x5412)).toBe("EPERM");
    expect(bare(arch, "fchmodat", 0, 0, 0o755)).toBe("allow");
    expect(bare(arch, "fchmodat", 0, 0, 0o4755)).toBe("EPERM");
    expect(bare(arch, "fchmod", 0, 0o2755)).toBe("EPERM");
  });

  it("refuses without namespaces whatever it refuses with them", () => {
    for (const rule of FILTER_RULES)
      if (callNumber(rule.call, arch) !== undefined && rule.when === undefined)
        expect([rule.call, bare(arch, rule.call, 0, 0, 0)]).not.toEqual([rule.call, "allow"]);
  });

  it("allows every number that no rule names", () => {
    const named = new Set(CALL_NAMES.flatMap((call) => callNumber(call as CallName, arch) ?? []));
    for (let number = 0; number <= LAST_KNOWN_CALL; number++)
      if (!named.has(number)) {
        expect([number, ask(arch, number, 1, 2, 3)]).toEqual([number, "allow"]);
        const bytes = filterBytes(arch, filterRules(false));
        expect([number, given(bytes, arch, number, [1, 2, 3])]).toEqual([number, "allow"]);
      }
  });

  it.each([true, false])("answers as the rules read, for any call and arguments (namespaces: %s)", (own) => {
    const rules = filterRules(own);
    const bytes = filterBytes(arch, rules);
    const spec = (number: number, args: readonly bigint[]): string => {
      const low = (index: number): number => Number(BigInt.asUintN(32, args[index] ?? 0n));
      const holds = (rule: FilterRule): boolean =>
        callNumber(rule.call, arch) === number &&
        (rule.when ?? []).every((each) => {
          if (each.is === "any-bit-of") return (low(each.arg) & each.mask) !== 0;
          const value = (low(each.arg) & (each.mask ?? 0xffffffff)) >>> 0;
          return each.values.includes(value) === (each.is === "one-of");
        });
      return rules.find(holds)?.errno ?? "allow";
    };
    const interesting = fc.constantFrom(
      0n,
      1n,
      2n,
      3n,
      5n,
      0x80801n,
      0o4755n,
      10n,
      16n,
      17n,
      40n,
      0x5412n,
      0x541cn,
      0x80n,
      0x10000000n,
      0x100005412n,
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...rules.map(({ call }) => call)),
        fc.array(fc.oneof(interesting, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })), {
          minLength: 6,
          maxLength: 6,
        }),
        (call, args) => {
          const number = callNumber(call, arch);
          if (number !== undefined) expect(given(bytes, arch, number, args)).toBe(spec(number, args));
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([true, false])("is a program the kernel loads: short, jumps forward and inside", (own) => {
    const program: readonly Instruction[] = filterProgram(arch, filterRules(own));
    expect(program.length).toBeLessThan(4096);
    program.forEach(({ code, jt, jf }, index) => {
      const jumps = code === BPF.LOAD || code === BPF.AND || code === BPF.RETURN ? [0] : [jt, jf];
      for (const jump of jumps) {
        expect(jump).toBeLessThan(256);
        expect(index + 1 + jump).toBeLessThan(program.length + (code === BPF.RETURN ? 1 : 0));
      }
    });
    expect(program.at(-1)).toMatchObject({ code: BPF.RETURN, k: ACTION.ALLOW });
  });

  it("has the numbers of the kernel's headers", ({ skip }) => {
    const header =
      arch === "x64" ? "/usr/include/x86_64-linux-gnu/asm/unistd_64.h" : "/usr/include/asm-generic/unistd.h";
    if (!existsSync(header)) {
      process.stderr.write(`SKIPPED: ${header} is absent, numbers of system calls were not compared\n`);
      return skip();
    }
    const numbers = new Map(
      [...readFileSync(header, "utf8").matchAll(/^#define __NR(?:3264)?_(\w+)\s+(\d+)$/gm)].map((match) => [
        match[1],
        Number(match[2]),
      ]),
    );
    const compared = CALL_NAMES.filter(
      (call) => numbers.has(call) && callNumber(call as CallName, arch) !== undefined,
    );
    expect(compared.length).toBeGreaterThan(90);
    for (const call of compared)
      expect([call, callNumber(call as CallName, arch)]).toEqual([call, numbers.get(call)]);
  });
});
