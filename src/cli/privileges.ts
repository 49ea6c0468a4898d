import { readFileSync } from "node:fs";

const capNetBindService = 1n << 10n;

/** Whether this process may listen on ports below 1024: as root, or with CAP_NET_BIND_SERVICE as our systemd unit gives it. */
export function mayBindLowPorts(): boolean {
  if (process.getuid?.() === 0) return true;
  try {
    const [, effective] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    return effective !== undefined && (BigInt(`0x${effective}`) & capNetBindService) !== 0n;
  } catch {
    return false; // no /proc: not Linux, where only root may
  }
}
