import { expect, test } from "bun:test";
import { Refusal } from "../errors.ts";
import { mistakesOf } from "./visit.ts";

const said = (message: string) => mistakesOf(new Refusal("validation_error", message), ["name", "email"]);

test("a mistake beside its field does not say what the API calls the field", () => {
  expect(said("Invalid `name` field. A name has 1 to 100 characters.")).toEqual({
    name: "A name has 1 to 100 characters.",
  });
  expect(said("Invalid `email` field: the address has `@` in it twice.")).toEqual({
    email: "The address has @ in it twice.",
  });
  expect(said("Invalid `email` field. example.com is none of yours.")).toEqual({
    email: "example.com is none of yours.",
  });
  expect(said("Missing `email` field.")).toEqual({ email: "It can't be empty." });
});

test("a mistake in what the form does not have is said whole, at its head", () => {
  expect(said("Invalid `topic_id` field. It must be a topic of the team.")).toEqual({
    form: "Invalid topic_id field. It must be a topic of the team.",
  });
});

test("what is no refusal is no mistake of the person's", () => {
  expect(() => mistakesOf(new Error("disk full"), ["name"])).toThrow("disk full");
});
