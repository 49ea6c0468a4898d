// What Debian brings for the tests, where the machine has it not and we may install it.
import { existsSync } from "node:fs";

/** Whether a command ran to a good end, silently. */
export function runs(...command: string[]): boolean {
  return (
    Bun.which(command[0]!) !== null &&
    Bun.spawnSync(command, {
      ...{ stdin: "ignore", stdout: "ignore", stderr: "ignore" },
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    }).exitCode === 0
  );
}

/** Installs packages; only root can. */
export function installPackages(...names: string[]): boolean {
  if (process.getuid?.() !== 0) return false;
  const install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", ...names];
  return runs(...install) || (runs("apt-get", "update", "-q") && runs(...install));
}

/** Where Debian and others put the browser; `test/browser` looks there, too. */
export async function installChromium(): Promise<boolean> {
  const isThere = () =>
    ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].some((path) =>
      existsSync(path),
    );
  return isThere() || (installPackages("chromium") && isThere());
}
