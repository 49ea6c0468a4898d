import { Elysia } from "elysia";
import { h } from "preact";
import {
  NewPropertyPage,
  PropertiesPage,
  PropertyPage,
  PropertyRows,
  type PropertyValues,
} from "../../views/properties.tsx";
import type { App } from "../app.ts";
import { usesOfProperty } from "../broadcasts/uses.ts";
import {
  createProperty,
  deleteProperty,
  getProperty,
  listProperties,
  updateProperty,
} from "../contacts/properties.ts";
import { getTotals } from "../contacts/read.ts";
import type { ContactProperty } from "../contacts/schema.ts";
import { type Mistakes, mistakesOf } from "./mistakes.ts";
import { readTyped, shownValue } from "./typed-value.ts";
import { keysetOf, signedIn, sliceOf, type Visit } from "./visit.ts";

const fields = ["key", "type", "label", "fallback_value"] as const;
const mostShown = 5;

export const propertyPages = (app: App) =>
  new Elysia({ prefix: "/properties" })
    .use(signedIn(app))
    .get("", async ({ visit, query }) => {
      const page = keysetOf(query);
      const { rows, next } = sliceOf(await listProperties(app, visit.teamId, page), page);
      const list = { properties: rows, next, now: app.now() };
      if (visit.wantsPiece) return visit.piece(h(PropertyRows, list));
      return visit.page({ title: "Properties", place: "properties" }, h(PropertiesPage, list));
    })
    .get("/new", ({ visit }) => newPage(visit, { key: "", type: "string", label: "", fallback: "" }))
    .post("", async ({ visit }) => {
      const values = {
        ...{ key: visit.form.text("key"), type: visit.form.text("type"), label: visit.form.text("label") },
        fallback: visit.form.text("fallback_value"),
      };
      visit.act(`Created the contact property “${values.key}”`, "");
      try {
        const { key, type, label, fallback } = values;
        const fallbackValue = readTyped(type, fallback);
        await createProperty(app, visit.teamId, { key, type, label: label || null, fallbackValue });
      } catch (error) {
        return newPage(visit, values, mistakesOf(error, fields));
      }
      return visit.done("/admin/properties", `Contacts have a property “${values.key}” now.`);
    })
    .get("/:id", async ({ visit, params }) => {
      const property = await getProperty(app, visit.teamId, params.id);
      return propertyPage(app, visit, property, {
        ...{ key: property.key, type: property.type, label: property.label ?? "" },
        fallback: shownValue(property.fallbackValue),
      });
    })
    .post("/:id", async ({ visit, params }) => {
      const property = await getProperty(app, visit.teamId, params.id);
      const { key, type } = property;
      const values = {
        key,
        type,
        label: visit.form.text("label"),
        fallback: visit.form.text("fallback_value"),
      };
      visit.act(`Changed the contact property “${key}”`);
      try {
        await updateProperty(app, visit.teamId, property.id, {
          label: values.label || null,
          fallbackValue: readTyped(type, values.fallback),
        });
      } catch (error) {
        return propertyPage(app, visit, property, values, mistakesOf(error, fields));
      }
      return visit.done("/admin/properties", `The property “${key}” is changed.`);
    })
    .post("/:id/delete", async ({ visit, params }) => {
      const property = await getProperty(app, visit.teamId, params.id);
      visit.act(`Deleted the contact property “${property.key}”`);
      try {
        await deleteProperty(app, visit.teamId, property.id);
      } catch (error) {
        const values = {
          ...{ key: property.key, type: property.type, label: property.label ?? "" },
          fallback: shownValue(property.fallbackValue),
        };
        return propertyPage(app, visit, property, values, mistakesOf(error, []));
      }
      return visit.done("/admin/properties", `The property “${property.key}” is deleted.`);
    });

const statusOf = (mistakes: Mistakes) => (Object.keys(mistakes).length > 0 ? 422 : 200);

function newPage(visit: Visit, values: PropertyValues, mistakes: Mistakes = {}): Promise<Response> {
  return visit.page(
    { title: "New property", place: "properties", status: statusOf(mistakes) },
    h(NewPropertyPage, { csrf: visit.csrf, values, mistakes }),
  );
}

async function propertyPage(
  app: App,
  visit: Visit,
  property: ContactProperty,
  values: PropertyValues,
  mistakes: Mistakes = {},
): Promise<Response> {
  const [{ segments }, { total }] = await Promise.all([
    usesOfProperty(app, visit.teamId, property.id, mostShown),
    getTotals(app, visit.teamId),
  ]);
  return visit.page(
    { title: property.key, place: "properties", status: statusOf(mistakes) },
    h(PropertyPage, { csrf: visit.csrf, property, values, mistakes, segments, contacts: total }),
  );
}
