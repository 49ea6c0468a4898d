/**
 * What a module remembers of each App, made when it is first asked for: two Apps in one process (tests, two nodes) have
 * nothing to do with each other, and what is remembered goes with its App.
 */
export function perApp<T>(make: () => T): (app: object) => T {
  const made = new WeakMap<object, { value: T }>();
  return (app) => {
    let known = made.get(app);
    if (!known) {
      known = { value: make() };
      made.set(app, known);
    }
    return known.value;
  };
}
