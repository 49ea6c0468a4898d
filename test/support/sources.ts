import { dirname, join, relative } from "node:path";

export interface Import {
  /** A path from the checkout (`src/db/open.ts`), or the name a package is asked for by (`drizzle-orm/sqlite-core`). */
  to: string;
  isOurs: boolean;
  /** Nothing of it is left at run time. */
  isTypeOnly: boolean;
}

export interface Source {
  /** Seen from the checkout: `src/db/open.ts`. */
  path: string;
  text: string;
  isTest: boolean;
  imports: Import[];
}

const checkout = new URL("../..", import.meta.url).pathname;
const scanners = { ts: new Bun.Transpiler({ loader: "ts" }), tsx: new Bun.Transpiler({ loader: "tsx" }) };

/** Every file of the program, with what it imports. */
export async function readSources(): Promise<Source[]> {
  const files = new Bun.Glob("{src,views,migrations,assets}/**/*.{ts,tsx}");
  const paths = await Array.fromAsync(files.scan({ cwd: checkout }));
  return Promise.all(paths.sort().map(readSource));
}

async function readSource(path: string): Promise<Source> {
  const text = await Bun.file(join(checkout, path)).text();
  const isTest = /\.test\.tsx?$/.test(path);
  return { path, text, isTest, imports: importsOf(path, text) };
}

/** `import … from "x"`, `export … from "x"` and `import "x"`, also over several lines; the names are in group 2. */
const statement = /^(?:import|export)\s+(type\s+)?(?:([^"';]*?)\s*from\s+)?["']([^"']+)["']/gm;
/** `import("x")` and `new URL("./x", import.meta.url)`, by which workers are started. */
const expression = /\bimport\(\s*["']([^"']+)["']|new URL\(\s*["'](\.[^"']+)["'],\s*import\.meta\.url/g;

/** Bun's own scanner leaves out imports of types, so text is searched too; what either finds is an import. */
export function importsOf(path: string, text: string): Import[] {
  const found = new Map<string, boolean>();
  const add = (to: string, isTypeOnly: boolean) => found.set(to, isTypeOnly && (found.get(to) ?? true));

  for (const [, type, names, to] of text.matchAll(statement))
    add(to!, Boolean(type) || namesTypesOnly(names));
  for (const [, imported, started] of text.matchAll(expression)) add((imported ?? started)!, false);
  const loader = path.endsWith("x") ? "tsx" : "ts";
  // What Bun adds itself for JSX has no place in the text.
  for (const { path: to } of scanners[loader].scanImports(text)) if (text.includes(`"${to}"`)) add(to, false);

  return [...found].map(([to, isTypeOnly]) => {
    const isOurs = to.startsWith(".");
    const resolved = isOurs ? relative(checkout, join(checkout, dirname(path), to)) : to;
    return { to: resolved, isOurs, isTypeOnly };
  });
}

/** `{ type A, type B }`: each name says for itself that it is a type. */
function namesTypesOnly(names: string | undefined): boolean {
  const inBraces = /^\{([^}]*)\}$/.exec(names?.trim() ?? "")?.[1];
  if (inBraces === undefined) return false;
  const each = inBraces.split(",").filter((name) => name.trim());
  return each.length > 0 && each.every((name) => name.trim().startsWith("type "));
}
