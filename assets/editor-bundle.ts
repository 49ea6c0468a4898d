/**
 * Makes the one script of `editor.client.ts` and its libraries. A macro: it runs where this program is built, or where its
 * source is started, and its answer stands in the caller's place as text. So nobody who develops has a step to remember.
 */
export function editorScript(): string {
  const entry = new URL("./editor.client.ts", import.meta.url).pathname;
  // In a process of its own: a macro holds up the thread on which `Bun.build` would go on.
  const { success, stdout, stderr } = Bun.spawnSync([
    process.execPath,
    "build",
    "--target=browser",
    "--format=iife",
    "--minify",
    entry,
  ]);
  if (!success) throw new Error(`the editor could not be bundled: ${stderr.toString()}`);
  return stdout.toString();
}
