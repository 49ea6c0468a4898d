/** Rules as a condition of SQL: every value of a client's, and every path made of one, is a parameter. */
import { type SQL, sql } from "drizzle-orm";
import { recipientKey } from "../mail/address.ts";
import { type FieldRule, type Leaf, propertyPrefix, type Rule, type Rules } from "./rules.ts";
import type { Segment } from "./schema.ts";

const dayMs = 24 * 3_600_000;

/** Whether the row `c` of `contacts` is in a segment. */
export function conditionOf(
  { id, rules, audienceId }: Pick<Segment, "id" | "rules" | "audienceId">,
  now: Date,
): SQL {
  if (!rules) return isMember(id);
  const held = conditionOfRules(rules, now);
  return audienceId === null ? held : sql`(${isMember(audienceId)} and ${held})`;
}

export function conditionOfRules(rules: Rules, now: Date): SQL {
  const [list, word] = "all" in rules ? [rules.all, sql` and `] : [rules.any, sql` or `];
  return sql`(${sql.join(
    list.map((rule) => conditionOfRule(rule, now)),
    word,
  )})`;
}

const conditionOfRule = (rule: Rule, now: Date): SQL =>
  "all" in rule || "any" in rule ? conditionOfRules(rule, now) : conditionOfLeaf(rule, now);

function conditionOfLeaf(rule: Leaf, now: Date): SQL {
  if ("field" in rule) return conditionOfField(rule);
  if ("topic_id" in rule) {
    return sql`coalesce(
      (select subscription from contact_topics where contact_id = c.id and topic_id = ${rule.topic_id}),
      (select default_subscription from topics where id = ${rule.topic_id} and team_id = c.team_id)) is ${rule.subscription}`;
  }
  if ("segment_id" in rule) {
    const { segment_id: id, is_member } = rule;
    // Those whom a list kept out must not all come in because the list was deleted.
    return is_member ? isMember(id) : sql`(${isThere(id)} and not ${isMember(id)})`;
  }
  const since = (days: number) => now.getTime() - days * dayMs;
  if ("silent_days" in rule) {
    const from = since(rule.silent_days);
    return sql`(c.created_at < ${from} and not ${hasActivity(sql`opened_at >= ${from} or clicked_at >= ${from}`)})`;
  }
  const from = rule.within_days === undefined ? 0 : since(rule.within_days);
  const happened = hasActivity(sql`${activity[rule.event]} >= ${from}`);
  return rule.happened ? happened : sql`not ${happened}`;
}

const isMember = (segmentId: string) =>
  sql`exists (select 1 from segment_members where segment_id = ${segmentId} and contact_id = c.id)`;

const isThere = (segmentId: string) => sql`exists (select 1 from segments where id = ${segmentId})`;

const hasActivity = (is: SQL) =>
  sql`exists (select 1 from contact_activity where contact_id = c.id and (${is}))`;

const activity = {
  delivered: sql`delivered_at`,
  opened: sql`opened_at`,
  clicked: sql`clicked_at`,
  bounced: sql`bounced_at`,
};

const columns: Record<string, SQL> = {
  email: sql`c.email`,
  first_name: sql`c.first_name`,
  last_name: sql`c.last_name`,
  unsubscribed: sql`c.unsubscribed`,
  created_at: sql`c.created_at`,
};

function conditionOfField(rule: FieldRule): SQL {
  const { field } = rule;
  if (!field.startsWith(propertyPrefix)) return compared(rule);
  // Of a property that is gone nobody can say anything: not even that it is not set.
  return sql`(exists (
    select 1 from contact_properties
    where team_id = c.team_id and key = ${field.slice(propertyPrefix.length)} and deleted_at is null) and ${compared(rule)})`;
}

function compared({ field, operator, value }: FieldRule): SQL {
  const given = field.startsWith(propertyPrefix)
    ? sql`json_extract(c.properties, ${pathOf(field.slice(propertyPrefix.length))})`
    : columns[field]!;
  const wanted = wantedOf(field, value);
  // Letters are told apart by case neither here nor by the people who type them.
  const [text, part] = [sql`lower(${given})`, sql`lower(${wanted})`];
  switch (operator) {
    case "is_set":
      return sql`${given} is not null`;
    case "is_not_set":
      return sql`${given} is null`;
    case "equals":
      return typeof wanted === "string" ? sql`${text} is ${part}` : sql`${given} is ${wanted}`;
    case "not_equals":
      return typeof wanted === "string" ? sql`${text} is not ${part}` : sql`${given} is not ${wanted}`;
    case "contains":
      return sql`ifnull(instr(${text}, ${part}), 0) > 0`;
    case "not_contains":
      return sql`ifnull(instr(${text}, ${part}), 0) = 0`;
    case "starts_with":
      return sql`substr(${text}, 1, length(${wanted})) is ${part}`;
    case "ends_with":
      return sql`substr(${text}, -length(${wanted})) is ${part}`;
    case "greater_than":
      return sql`ifnull(${given} > ${wanted}, 0)`;
    case "less_than":
      return sql`ifnull(${given} < ${wanted}, 0)`;
  }
}

/** As SQLite has the value: `json_extract` gives 1 for true, and our own times are milliseconds. */
function wantedOf(field: string, value: FieldRule["value"]): string | number {
  if (typeof value === "boolean") return value ? 1 : 0;
  // Addresses are kept so; SQLite knows capitals of ASCII alone.
  if (field === "email" && typeof value === "string") return recipientKey(value);
  if (field === "created_at" && typeof value === "string") return new Date(value).getTime();
  return value ?? "";
}

/** Keys are letters, digits and underscores; quoted all the same, because one may begin with a digit. */
export const pathOf = (key: string): string => `$."${key}"`;
