/** A new UUIDv7: rows made later sort later, which is all a client may conclude from an id. */
export function newId(): string {
  return Bun.randomUUIDv7();
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether text has the shape of an id; asked of whatever a path or a token claims to be one. */
export function isId(text: string): boolean {
  return uuid.test(text);
}
