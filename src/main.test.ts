import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFirstAccount, logIn } from "./accounts/service.ts";
import { withApp } from "./cli/open.ts";

const address = "192.0.2.1";

test("a password comes by standard input, and without one the program says so and fails", async () => {
  const folder = await mkdtemp(join(tmpdir(), "mailit-test-"));
  try {
    const place = { data: join(folder, "data") };
    const ada = { email: "ada@example.org", password: "correct horse", name: "Ada", team: "Engines" };
    await withApp(place, (app) => createFirstAccount(app, ada));
    const [changed, refused] = await Promise.all([
      mailit(folder, ["user", "password", ada.email, "--password-stdin"], "battery staple\n"),
      mailit(folder, ["user", "password", ada.email], "battery staple\n"),
    ]);
    expect(changed).toEqual({
      code: 0,
      stdout: "Changed the password of ada@example.org; their sessions have ended.\n",
      stderr: "",
    });
    expect(refused).toEqual({
      code: 1,
      stdout: "",
      stderr: "Give the password on standard input, with --password-stdin.\n",
    });
    await withApp(place, (app) => logIn(app, { address, email: ada.email, password: "battery staple" }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** Runs the program from source, in this folder and without the developer's environment. */
async function mailit(cwd: string, args: string[], stdin: string) {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "main.ts"), ...args], {
    cwd,
    env: { PATH: "/usr/bin:/bin", HOME: cwd },
    stdin: new Blob([stdin]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const textOf = (stream: ReadableStream) => new Response(stream).text();
  const [stdout, stderr, code] = await Promise.all([
    textOf(child.stdout),
    textOf(child.stderr),
    child.exited,
  ]);
  return { code, stdout, stderr };
}
