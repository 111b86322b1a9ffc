import { AUDIT_ARCH, type FilterArch, LAST_KNOWN_CALL, callNumber } from "./syscalls.ts";
import { type Condition, ERRNO, FILTER_RULES, type FilterRule } from "./seccomp-rules.ts";

/** One instruction of classic BPF: `struct sock_filter` of linux/filter.h. */
export interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** Operations the filter uses. */
export const BPF = {
  LOAD: 0x20,
  AND: 0x54,
  EQUAL: 0x15,
  AT_LEAST: 0x35,
  ANY_BIT: 0x45,
  RETURN: 0x06,
} as const;

/** Actions of linux/seccomp.h. */
export const ACTION = { KILL_PROCESS: 0x80000000, ERRNO: 0x00050000, ALLOW: 0x7fff0000 } as const;

/** Offsets in `struct seccomp_data`; both processors are little-endian. */
const OFFSET = { number: 0, arch: 4, arg: (index: number): number => 16 + 8 * index } as const;

/** x32 numbers have this bit; -1 is what a tracer sets to skip a call. */
const X32_BIT = 0x40000000;
const SKIPPED = 0xffffffff;

/**
 * The filter as instructions.
 *
 * INVARIANT: another ABI than the processor's own is killed before any number is compared, and a
 * number above the last known one gets ENOSYS.
 */
export function filterProgram(
  arch: FilterArch,
  rules: readonly FilterRule[] = FILTER_RULES,
): readonly Instruction[] {
  return [
    load(OFFSET.arch),
    jump(BPF.EQUAL, AUDIT_ARCH[arch], 1, 0),
    done(ACTION.KILL_PROCESS),
    load(OFFSET.number),
    jump(BPF.EQUAL, SKIPPED, 4, 0),
    jump(BPF.AT_LEAST, X32_BIT, 0, 1),
    done(ACTION.KILL_PROCESS),
    jump(BPF.AT_LEAST, LAST_KNOWN_CALL + 1, 0, 1),
    done(ACTION.ERRNO | ERRNO.ENOSYS),
    ...rules.flatMap((rule) => ruleProgram(rule, arch)),
    done(ACTION.ALLOW),
  ];
}

/** Enters and leaves with the number of the call loaded. */
function ruleProgram(rule: FilterRule, arch: FilterArch): readonly Instruction[] {
  const number = callNumber(rule.call, arch);
  if (number === undefined) return [];
  const refusal = done(ACTION.ERRNO | ERRNO[rule.errno]);
  const conditions = rule.when ?? [];
  if (conditions.length === 0) return [jump(BPF.EQUAL, number, 0, 1), refusal];
  // Built from the end: each condition jumps over the rest when it does not hold.
  const tested = conditions.reduceRight<readonly Instruction[]>(
    (rest, condition) => [
      load(OFFSET.arg(condition.arg)),
      ...(condition.is !== "any-bit-of" && condition.mask !== undefined
        ? [{ code: BPF.AND, jt: 0, jf: 0, k: condition.mask }]
        : []),
      ...test(condition, rest.length),
      ...rest,
    ],
    [refusal],
  );
  return [jump(BPF.EQUAL, number, 0, tested.length + 1), ...tested, load(OFFSET.number)];
}

function test(condition: Condition, rest: number): readonly Instruction[] {
  if (condition.is === "any-bit-of") return [jump(BPF.ANY_BIT, condition.mask, 0, rest)];
  const { values } = condition;
  const one = condition.is === "one-of";
  return values.map((value, index) => {
    const left = values.length - 1 - index;
    if (one) return jump(BPF.EQUAL, value, left, left === 0 ? rest : 0);
    return jump(BPF.EQUAL, value, left + rest, 0);
  });
}

function load(offset: number): Instruction {
  return { code: BPF.LOAD, jt: 0, jf: 0, k: offset };
}

function jump(code: number, k: number, jt: number, jf: number): Instruction {
  return { code, jt, jf, k };
}

function done(action: number): Instruction {
  return { code: BPF.RETURN, jt: 0, jf: 0, k: action >>> 0 };
}

/** The filter as the kernel takes it: eight bytes an instruction, little-endian. */
export function filterBytes(arch: FilterArch, rules: readonly FilterRule[] = FILTER_RULES): Uint8Array {
  const program = filterProgram(arch, rules);
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  program.forEach(({ code, jt, jf, k }, index) => {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, jt);
    view.setUint8(index * 8 + 3, jf);
    view.setUint32(index * 8 + 4, k, true);
  });
  return bytes;
}
