// Characters take one or two bytes, so this is at most 4 MB for each function and thread.
const maxRemembered = 2_000_000;
const maxEntry = maxRemembered / 4;

/**
 * A function of a text that remembers what it made of the texts it was given last: a body is looked through once for all
 * its recipients and their retries. What it gives is shared, so nobody may change it.
 */
export function remembering<Made>(make: (text: string) => Made): (text: string) => Made {
  const remembered = new Map<string, Made>();
  let held = 0;
  return (text) => {
    const known = remembered.get(text);
    if (known !== undefined) {
      remembered.delete(text);
      remembered.set(text, known); // a Map keeps the order of insertion, so the front is what was unused for longest
      return known;
    }
    const made = make(text);
    if (text.length > maxEntry) return made;
    remembered.set(text, made);
    held += text.length;
    for (const old of remembered.keys()) {
      if (held <= maxRemembered) break;
      remembered.delete(old);
      held -= old.length;
    }
    return made;
  };
}
