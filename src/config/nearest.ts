/**
 * The name somebody most likely meant by `typed`: one that differs by a few letters, or the only one that ends in it.
 * Case and `_ - .` don't count. Undefined when nothing comes near.
 */
export function nearest(typed: string, names: readonly string[]): string | undefined {
  // A long name is no slip of the finger, and the table below grows with the product of both lengths.
  if (typed.length > 80) return undefined;
  const plain = simplify(typed);
  const ranked = names
    .map((name) => ({ name, edits: editDistance(plain, simplify(name)) }))
    .sort((a, b) => a.edits - b.edits);
  const best = ranked[0];
  if (best !== undefined && best.edits <= Math.min(4, Math.max(1, plain.length / 3))) return best.name;
  const [only, ...others] = names.filter((name) => plain.length > 2 && simplify(name).endsWith(plain));
  return others.length === 0 ? only : undefined;
}

const simplify = (name: string) => name.toLowerCase().replace(/[_.-]/g, "");

/** Levenshtein's distance, one row of the table at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, swap));
    }
    row = next;
  }
  return row[b.length]!;
}
