import { streamedAnswer } from "./streamed-answer.ts";

/** A CSV file as an answer. */
export const csvAnswer = (filename: string, pieces: AsyncGenerator<string>): Response =>
  streamedAnswer(pieces, {
    "content-type": "text/csv; charset=utf-8",
    "content-disposition": `attachment; filename="${filename}"`,
  });
