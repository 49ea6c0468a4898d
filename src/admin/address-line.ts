/**
 * Addresses as people write them into a line: names in quotes may hold commas. A quote that is not closed takes all that
 * follows, so that no text, however long, is gone through more than once.
 */
export function addressesIn(text: string): string[] {
  const parts = text.match(/(?:"(?:[^"\\]|\\[\s\S])*(?:"|\\?$)|[^,;\n"])+/g) ?? [];
  return parts.map((part) => part.trim()).filter(Boolean);
}
