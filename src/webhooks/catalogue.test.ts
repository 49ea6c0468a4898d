import { expect, test } from "bun:test";
import { eventCatalogue } from "./catalogue.ts";
import { eventNames } from "./names.ts";

test("people can choose every event that this server tells of, each once", () => {
  const offered = eventCatalogue.flatMap(({ events }) => events.map(({ name }) => name));
  expect(new Set(offered).size).toBe(offered.length);
  // Clients may subscribe to these names; there is nothing here that they would be told of.
  const told = eventNames.filter((name) => !name.startsWith("inbox."));
  expect(offered.toSorted()).toEqual(told.toSorted());
});
