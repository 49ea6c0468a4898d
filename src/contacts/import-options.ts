import type { PropertyType, Subscription } from "./schema.ts";

/** Which column of the file is what, by the names in its header. */
export interface ColumnMap {
  email?: string;
  first_name?: string;
  last_name?: string;
  unsubscribed?: string;
  properties?: Record<string, { column: string; type: PropertyType }>;
}

/** What a client wants done with a file. */
export interface ImportOptions {
  columnMap?: ColumnMap;
  onConflict: "upsert" | "skip";
  /** Static segments that every contact of the file is put into. */
  segmentIds: string[];
  topics: { id: string; subscription: Subscription }[];
  /** The encoding of the file, where its sender said so. */
  charset?: string;
}
