// `bun .ci/build.ts` makes dist/mailit for this machine; with --all, the four release executables and SHA256SUMS.
import { cp, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { root } from "./phase.ts";

const dist = join(root, "dist");

/** The name a release file ends in, Bun's name for the target, and the package that brings Bun for it. */
const releases = [
  { file: "mailit-linux-x64", target: "bun-linux-x64", runtime: "bun-linux-x64" },
  { file: "mailit-linux-arm64", target: "bun-linux-arm64", runtime: "bun-linux-aarch64" },
  { file: "mailit-linux-x64-musl", target: "bun-linux-x64-musl", runtime: "bun-linux-x64-musl" },
  { file: "mailit-linux-arm64-musl", target: "bun-linux-arm64-musl", runtime: "bun-linux-aarch64-musl" },
] as const;

const pinned = manifest.packageManager.replace("bun@", "");
if (Bun.version !== pinned) {
  console.error(
    `MailIt is built with Bun ${pinned}, this is ${Bun.version}: use npx bun@${pinned} run build.`,
  );
  process.exit(1);
}

await mkdir(dist, { recursive: true });
if (process.argv.includes("--all")) await buildReleases();
else await buildExecutable("mailit", {});

async function buildReleases(): Promise<void> {
  const runtimes = await installRuntimes();
  const sums: string[] = [];
  for (const { file, target, runtime } of releases) {
    const executablePath = join(runtimes, "node_modules/@oven", runtime, "bin/bun");
    const path = await buildExecutable(file, { target, executablePath });
    const hash = new Bun.CryptoHasher("sha256").update(await Bun.file(path).arrayBuffer()).digest("hex");
    sums.push(`${hash}  ${file}\n`);
  }
  await Bun.write(join(dist, "SHA256SUMS"), sums.join(""));
}

/**
 * Brings the Bun of every target. Bun would download them by itself, but without checking what it got; as packages
 * with a lockfile of their own their hashes are pinned, and nobody who doesn't make a release has to load 400 MB.
 */
async function installRuntimes(): Promise<string> {
  const folder = join(root, "node_modules/.cache/mailit-runtimes");
  await mkdir(folder, { recursive: true });
  for (const name of ["package.json", "bun.lock"]) {
    await cp(join(root, ".ci/runtimes", name), join(folder, name));
  }
  const everyTarget = ["--os=linux", "--cpu=*", "--libc=*"];
  const command = [process.execPath, "install", "--frozen-lockfile", "--silent", ...everyTarget];
  const child = Bun.spawn(command, { cwd: folder, stdio: ["ignore", "inherit", "inherit"] });
  if ((await child.exited) !== 0)
    throw new Error("The Bun runtimes of the other targets could not be installed.");
  return folder;
}

/** Builds in a folder of its own and moves the result: a file in dist/ is always a whole one, even if it is running. */
async function buildExecutable(
  file: string,
  compile: { target?: Bun.Build.CompileTarget; executablePath?: string },
): Promise<string> {
  const workers = await Array.fromAsync(new Bun.Glob("src/**/*-worker.ts").scan(root));
  const folder = await mkdtemp(join(dist, ".build-"));
  try {
    const result = await Bun.build({
      entrypoints: [join(root, "src/main.ts"), ...workers.sort().map((worker) => join(root, worker))],
      target: "bun",
      format: "esm",
      bytecode: true,
      // Everything is bundled into one file at the root of the executable's own file system, so that is where
      // `new Worker(new URL("./x-worker.ts", import.meta.url))` looks: https://github.com/oven-sh/bun/issues/29124
      naming: { entry: "[name].[ext]" },
      // Elysia reads the source of handlers to learn what they use, so identifiers keep their names.
      minify: { whitespace: true, syntax: true, identifiers: false },
      sourcemap: "linked",
      define: {
        MAILIT_VERSION: JSON.stringify(manifest.version),
        "process.env.NODE_ENV": JSON.stringify("production"),
      },
      compile: {
        ...compile,
        outfile: join(folder, file),
        // The folder it is started in is not ours: nothing there may change what the program does.
        autoloadDotenv: false,
        autoloadBunfig: false,
        autoloadTsconfig: false,
        autoloadPackageJson: false,
      },
    });
    for (const log of result.logs) console.error(String(log));
    await rename(join(folder, file), join(dist, file));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const path = join(dist, file);
  console.log(`dist/${file}  ${manifest.version}  ${(Bun.file(path).size / 1e6).toFixed(0)} MB`);
  return path;
}
