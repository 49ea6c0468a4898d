import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const script = new URL("../install.sh", import.meta.url).pathname;
const bench = await mkdtemp(join(tmpdir(), "mailit-install-"));
const release = join(bench, "release");
const machine = join(bench, "machine");
const root = join(bench, "root");
const program = join(root, "usr/local/bin/mailit");
const config = join(root, "etc/mailit/mailit.config.ts");
const data = join(root, "var/lib/mailit");
const unit = join(root, "etc/systemd/system/mailit.service");

beforeEach(async () => {
  for (const folder of [release, machine, root]) await rm(folder, { recursive: true, force: true });
  for (const folder of [release, machine]) await mkdir(folder, { recursive: true });
  await describeMachine({ arch: "x86_64", libc: "glibc" });
  await publish("mailit-linux-x64", "1.0.0");
});

afterAll(() => rm(bench, { recursive: true, force: true }));

const shells = [["dash"], ["busybox", "sh"], ["bash"]].filter(([shell]) => Bun.which(shell!));

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("under %s", (_, shell) => {
  test("a release is installed, and installing the next one upgrades it", async () => {
    const first = await install([], { shell });
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(first.stdout).toContain("Installed mailit 1.0.0");
    expect(await run(program, "version")).toBe("mailit 1.0.0\n");
    expect((await stat(program)).mode & 0o777).toBe(0o755);
    expect((await stat(data)).mode & 0o777).toBe(0o750);

    await writeFile(config, "// mine\n");
    await publish("mailit-linux-x64", "1.1.0");
    expect(await install([], { shell })).toMatchObject({ code: 0, stderr: "" });
    expect(await run(program, "version")).toBe("mailit 1.1.0\n");
    expect(await readFile(config, "utf8")).toBe("// mine\n");
    expect(await readdir(join(root, "usr/local/bin"))).toEqual(["mailit"]);
  });

  test("a program that is not the one in SHA256SUMS is refused and the old one stays", async () => {
    await install([], { shell });
    await writeFile(join(release, "mailit-linux-x64"), "#!/bin/sh\necho evil\n");

    const { code, stderr } = await install([], { shell });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^install\.sh: the checksum of mailit-linux-x64 .+ nothing was installed\.\n$/);
    expect(await run(program, "version")).toBe("mailit 1.0.0\n");
    expect(await readdir(join(root, "usr/local/bin"))).toEqual(["mailit"]);
  });

  test("uninstalling removes program and unit, and keeps data and configuration", async () => {
    await install([], { shell });
    await writeFile(join(data, "mailit.db"), "precious");

    const { code, stdout } = await install(["--uninstall"], { shell });
    expect(code).toBe(0);
    expect(stdout).toContain(
      `Your data in ${data} and your configuration in ${join(root, "etc/mailit")} stay.`,
    );
    expect(await Bun.file(program).exists()).toBe(false);
    expect(await Bun.file(unit).exists()).toBe(false);
    expect(await readFile(join(data, "mailit.db"), "utf8")).toBe("precious");
    expect(await Bun.file(config).exists()).toBe(true);
  });

  test("a script that broke off on its way through a pipe does nothing", async () => {
    const whole = await readFile(script, "utf8");
    const end = whole.trimEnd().length - 1;
    for (const length of [end, end - 3, end - 7, whole.indexOf("\ninstall_program()"), 2000]) {
      await install([], { shell, stdin: whole.slice(0, length) });
      expect(await Bun.file(program).exists()).toBe(false);
    }
    expect(await install([], { shell, stdin: whole })).toMatchObject({ code: 0, stderr: "" });
    expect(await Bun.file(program).exists()).toBe(true);
  });
});

test.each([
  ["aarch64", "glibc", "mailit-linux-arm64"],
  ["x86_64", "musl", "mailit-linux-x64-musl"],
  ["aarch64", "musl", "mailit-linux-arm64-musl"],
] as const)("a machine with %s and %s gets its own executable", async (arch, libc, file) => {
  await describeMachine({ arch, libc });
  await rm(join(release, "mailit-linux-x64"));
  const { stderr } = await install([]);

  expect(stderr).toContain(`there is no ${release}/${file};`);
});

test("a machine MailIt isn't built for is told so", async () => {
  await describeMachine({ arch: "riscv64", libc: "glibc" });
  expect(await install([])).toMatchObject({
    code: 1,
    stderr: "install.sh: there is no MailIt for riscv64; it runs on x86_64 and aarch64.\n",
  });
});

test("a program that doesn't start here doesn't replace one that does", async () => {
  await install([]);
  await publish("mailit-linux-x64", "2.0.0", "exit 127");

  const { code, stderr } = await install([]);
  expect(stderr).toBe("install.sh: mailit-linux-x64 doesn't start on this machine; nothing was installed.\n");
  expect(code).toBe(1);
  expect(await run(program, "version")).toBe("mailit 1.0.0\n");
});

test("a file that SHA256SUMS doesn't list, or lists twice, is refused", async () => {
  const sums = await readFile(join(release, "SHA256SUMS"), "utf8");
  for (const bad of ["", sums + sums, sums.replace("mailit-linux-x64", "mailit-linux-x64-old")]) {
    await writeFile(join(release, "SHA256SUMS"), bad);
    expect((await install([])).code).toBe(1);
    expect(await Bun.file(program).exists()).toBe(false);
  }
});

test("a release over plain http is refused before anything is loaded", async () => {
  const { code, stderr } = await install([], { env: { MAILIT_RELEASE_URL: "http://127.0.0.1:9/" } });
  expect(code).toBe(1);
  expect(stderr).toContain("must be an https:// or file:// URL or a folder");
});

test("a file:// URL and --root do as a folder and DESTDIR do", async () => {
  const env = { MAILIT_RELEASE_URL: `file://${release}/`, DESTDIR: "" };
  expect(await install(["--root", `${root}/`], { env })).toMatchObject({ code: 0, stderr: "" });
  expect(await run(program, "version")).toBe("mailit 1.0.0\n");
});

test("an unknown option is refused and installs nothing", async () => {
  const { code, stderr } = await install(["--unistall"]);
  expect(stderr).toBe("install.sh: --unistall is unknown; see --help.\n");
  expect(code).toBe(1);
  expect(await Bun.file(program).exists()).toBe(false);
});

test("the unit runs the program as its own user with nothing but the low ports", async () => {
  await install([]);
  const text = await readFile(unit, "utf8");
  for (const line of [
    "User=mailit",
    "ExecStart=/usr/local/bin/mailit serve --config /etc/mailit/mailit.config.ts --data /var/lib/mailit",
    "AmbientCapabilities=CAP_NET_BIND_SERVICE",
    "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "ReadWritePaths=/var/lib/mailit",
    "MemoryDenyWriteExecute=no",
    "Restart=always",
  ]) {
    expect(text.split("\n")).toContain(line);
  }
});

test("systemd finds nothing to say about the unit", async () => {
  if (!Bun.which("systemd-analyze")) return;
  await install([]);
  // The unit names a program, a user and a network target that this machine needn't have.
  const runnable = (await readFile(unit, "utf8"))
    .replace("ExecStart=/usr/local/bin/mailit", `ExecStart=${program}`)
    .replace(/^(User|Group)=.*$/gm, "$1=root");
  await writeFile(unit, runnable);
  const { code, stderr } = await capture(["systemd-analyze", "verify", unit], {});
  expect({
    code,
    complaints: stderr.split("\n").filter((line: string) => line.includes("mailit.service")),
  }).toEqual({
    code: 0,
    complaints: [],
  });
});

test("the configuration it writes can be imported as it is", async () => {
  await install([]);
  const written = await import(config);
  expect(written.default).toMatchObject({ server: { httpAddr: ":8080" }, smtpInbound: { addr: ":25" } });
});

/** Puts a fake `mailit` into the release folder, beside checksums that fit. */
async function publish(file: string, version: string, start = `echo mailit ${version}`): Promise<void> {
  const text = `#!/bin/sh\n${start}\n`;
  await writeFile(join(release, file), text);
  const hash = new Bun.CryptoHasher("sha256").update(text).digest("hex");
  await writeFile(join(release, "SHA256SUMS"), `${hash}  ${file}\n`);
}

/** What the script learns about the machine it runs on. */
async function describeMachine({ arch, libc }: { arch: string; libc: "glibc" | "musl" }): Promise<void> {
  await fakeProgram("uname", `[ "$1" = -m ] && echo ${arch} || echo Linux`);
  await fakeProgram("getconf", libc === "glibc" ? "echo glibc 2.36" : "exit 1");
  await fakeProgram("ldd", libc === "glibc" ? "echo GNU libc" : "echo musl libc; exit 1");
}

async function fakeProgram(name: string, text: string): Promise<void> {
  await writeFile(join(machine, name), `#!/bin/sh\n${text}\n`);
  await chmod(join(machine, name), 0o755);
}

async function install(
  args: string[],
  options: { shell?: string[]; stdin?: string; env?: Record<string, string> } = {},
) {
  const { shell = ["sh"], stdin, env = {} } = options;
  const command = stdin === undefined ? [...shell, script, ...args] : [...shell, "-s", "--", ...args];
  return capture(command, { MAILIT_RELEASE_URL: release, DESTDIR: root, ...env }, stdin);
}

async function run(...command: string[]): Promise<string> {
  return (await capture(command, {})).stdout;
}

async function capture(command: string[], env: Record<string, string>, stdin = "") {
  const child = Bun.spawn(command, {
    cwd: bench,
    env: { PATH: `${machine}:/usr/sbin:/usr/bin:/sbin:/bin`, ...env },
    stdin: new Blob([stdin]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}
