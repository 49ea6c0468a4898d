/** What a message worker asks the main thread while it works: DNS, which only the main thread has. */
import type { Ask, AskedType } from "../mail/authenticate.ts";

export type Question = { question: number; task: number; name: string; type: AskedType };

/** `code` is that of the error which `node:dns` would have thrown. */
export type QuestionAnswer = { question: number } & ({ records: unknown[] } | { code: string });

/** The worker's side: questions go out, their answers come in whichever order. */
export function makeAsker(post: (question: Question) => void) {
  const waiting = new Map<number, { resolve(records: unknown[]): void; reject(error: Error): void }>();
  let last = 0;
  return {
    /** What one task asks with. */
    of:
      (task: number): Ask =>
      (name, type) =>
        new Promise((resolve, reject) => {
          const question = ++last;
          waiting.set(question, { resolve, reject });
          post({ question, task, name, type });
        }),
    settle(answer: QuestionAnswer): void {
      const asked = waiting.get(answer.question);
      waiting.delete(answer.question);
      if ("records" in answer) asked?.resolve(answer.records);
      else asked?.reject(Object.assign(new Error(`DNS: ${answer.code}`), { code: answer.code }));
    },
  };
}

/** The main thread's side. Never rejects. */
export async function answerQuestion(ask: Ask | undefined, asked: Question): Promise<QuestionAnswer> {
  const { question, name, type } = asked;
  try {
    if (!ask) throw Object.assign(new Error("nobody to ask"), { code: "ECANCELLED" });
    return { question, records: await ask(name, type) };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "ESERVFAIL";
    return { question, code };
  }
}
