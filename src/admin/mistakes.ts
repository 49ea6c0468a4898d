/** What is wrong with what somebody sent, said where and how they see it. */
import { Refusal } from "../errors.ts";

/**
 * What a refusal says, beside the field it names (`` `email` ``) where the form has it, else at the form's head. What
 * is no refusal flies on.
 */
export type Mistakes<Field extends string = string> = Partial<Record<Field | "form", string>>;

/** What a page calls what the API has another name for. */
export type PageWords = readonly (readonly [said: RegExp, instead: string])[];

export function mistakesOf<Field extends string>(
  error: unknown,
  fields: readonly Field[],
  words: PageWords = [],
): Mistakes<Field> {
  if (!(error instanceof Refusal)) throw error;
  const { code, message } = error;
  const named =
    code === "domain_not_verified"
      ? ["from"]
      : [
          ...[...message.matchAll(/`(?:\w+\.)?([a-z_]+)`/g)].map(([, name]) => name),
          /^[A-Z][a-z]+(?= )/.exec(message)?.[0].toLowerCase(), // “Tags should only …”
        ];
  const field = fields.find((each) => named.includes(each));
  const mistake = field === undefined ? inWords(message, words) : besideField(message, words);
  return { [field ?? "form"]: mistake } as Mistakes<Field>;
}

/** How a form is judged beside what was refused first. */
interface Judged<Field extends string, Values> {
  values: Values;
  /** By field, with which nothing is wrong: what stands in its place while the rest is judged. */
  right: Record<Field, Partial<Values>>;
  /** Refuses what is wrong; it changes nothing. */
  judge(values: Values): Promise<unknown>;
  words?: PageWords;
}

/** All that is wrong with what a form holds, and not only what was refused first. */
export async function allMistakesOf<Field extends string, Values>(
  first: unknown,
  { values, right, judge, words }: Judged<Field, Values>,
): Promise<Mistakes<Field>> {
  const fields = Object.keys(right) as Field[];
  const all = mistakesOf(first, fields, words);
  for (let known = 0; known < Object.keys(all).length; ) {
    known = Object.keys(all).length;
    const wrong = fields.filter((field) => all[field] !== undefined);
    try {
      await judge(Object.assign({}, values, ...wrong.map((field) => right[field])));
    } catch (error) {
      Object.assign(all, { ...mistakesOf(error, fields, words), ...all }); // of each field what is said first stays
    }
  }
  return all;
}

/** What a refusal says to whoever sees which field it is about: the API's name of that says nothing to them. */
export function besideField(message: string, words?: PageWords): string {
  if (/^Missing `[^`]*` field\.$/.test(message)) return "It can't be empty.";
  return inWords(
    message
      .replace(/^Invalid `[^`]*`(?: field| parameter)?(?:\. |: (.))/, (_, first = "") => first.toUpperCase())
      .replace(/^The `[^`]*`(?: field| parameter)? (?=must |can |takes )/, "It "),
    words,
  );
}

const everywhere: PageWords = [
  [/Please, add and verify your domain on \S+$/, "Add and verify it under Domains first."],
  [/must be a valid UUID\.$/, "must be an id."],
];

/** What a refusal says to a person. */
export const inWords = (message: string, words: PageWords = []): string =>
  [...words, ...everywhere]
    .reduce((text, [said, instead]) => text.replace(said, instead), message)
    .replaceAll("`", "");
