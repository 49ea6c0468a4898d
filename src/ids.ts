/** A new UUIDv7: rows made later sort later, which is all a client may conclude from an id. */
export function newId(): string {
  return Bun.randomUUIDv7();
}

/** The same for something that was made at a given time. */
export function newIdAt(at: Date): string {
  return Bun.randomUUIDv7("hex", at);
}

/** When an id was made, to the millisecond unless thousands were made in one. */
export function timeOfId(id: string): Date {
  return new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
}

/** What every id made at that time or later is not less than: a bound on time is a bound on ids. */
export function leastIdAt(at: Date): string {
  const hex = Math.max(0, at.getTime()).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-0000-0000-000000000000`;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether text has the shape of an id; asked of whatever a path or a token claims to be one. */
export function isId(text: string): boolean {
  return uuid.test(text);
}
