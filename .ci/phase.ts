/** The checkout, wherever the script was started from. */
export const root = new URL("..", import.meta.url).pathname;

export interface PhaseResult {
  passed: boolean;
  output: string;
}

/**
 * Runs one step of a script with this very Bun, quietly: a line with its name and seconds, and everything it said when
 * it failed. `args` are those of `bun`, so that no step depends on what is on PATH.
 */
export async function phase(
  name: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<PhaseResult> {
  const began = performance.now();
  const child = Bun.spawn([process.execPath, ...args], {
    cwd: root,
    env: { ...withoutOurs(process.env), ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const passed = code === 0;
  const output = out + err;
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`${name.padEnd(10)} ${seconds.padStart(6)} s${passed ? "" : "  FAILED"}`);
  if (!passed) console.log(output.trimEnd());
  return { passed, output };
}

/** A developer's own `MAILIT_…` settings would make tests and demo differ from machine to machine. */
export function withoutOurs(env: Record<string, string | undefined>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !name.startsWith("MAILIT_") && name !== "DKIM_MASTER_KEY") kept[name] = value;
  }
  return kept;
}
