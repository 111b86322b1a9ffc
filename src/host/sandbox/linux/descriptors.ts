import { readdirSync } from "node:fs";
import { kernelText } from "../look.ts";

const CLOSE_ON_EXEC = 0o2000000;

/**
 * Descriptors from 3 up that a child would inherit although nobody meant it to: whoever started
 * this process left them open. Node closes only its own.
 */
export function inheritedDescriptors(): readonly number[] {
  return readdirSync("/proc/self/fd")
    .map(Number)
    .filter((fd) => {
      const flags =
        fd < 3 ? undefined : /^flags:\s+([0-7]+)$/m.exec(kernelText(`/proc/self/fdinfo/${fd}`))?.[1];
      return flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
    })
    .toSorted((a, b) => a - b);
}
