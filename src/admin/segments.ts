import { Elysia } from "elysia";
import { h } from "preact";
import { MemberRows, NewSegmentPage, SegmentPage } from "../../views/segment.tsx";
import type { BuilderProps, RulePreviewProps } from "../../views/segment-rule.tsx";
import { RuleBuilder, RulePreview } from "../../views/segment-rules.tsx";
import { SegmentCount, SegmentRows, SegmentsPage } from "../../views/segments.tsx";
import type { App } from "../app.ts";
import { usesOfSegment } from "../broadcasts/uses.ts";
import { countSegment, previewRules } from "../contacts/audience.ts";
import { sliceOfSegment } from "../contacts/filter.ts";
import { setMembership } from "../contacts/members.ts";
import { propertiesOf } from "../contacts/properties.ts";
import { getTotals } from "../contacts/read.ts";
import { contactFields, type Operator, operatorsOf, propertyPrefix, type Rules } from "../contacts/rules.ts";
import type { ContactProperty, PropertyType, Segment } from "../contacts/schema.ts";
import {
  createSegment,
  deleteSegment,
  getSegment,
  listSegments,
  listStatic,
  readTeamRules,
  updateSegment,
} from "../contacts/segments.ts";
import { listTopics } from "../contacts/topics.ts";
import { Refusal } from "../errors.ts";
import { inWords, type Mistakes, mistakesOf } from "./mistakes.ts";
import {
  changeDraft,
  type DraftGroup,
  newDraft,
  placeOfMistake,
  readDraft,
  toDraft,
  toRules,
} from "./rule-form.ts";
import { keysetOf, signedIn, sliceOf, type Visit } from "./visit.ts";

const mostChoices = 200;
const mostShown = 5;
const perPage = 50;
/** Up to so many contacts the dynamic segments of a list are counted by themselves, and above it when somebody asks. */
const countedUnasked = 50_000;

export const segmentPages = (app: App) =>
  new Elysia({ prefix: "/segments" }).use(listPages(app)).use(builderPages(app)).use(onePages(app));

const listPages = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .get("", async ({ visit, query }) => {
      const page = keysetOf(query);
      const { rows, next } = sliceOf(await listSegments(app, visit.teamId, page), page);
      const { total } = await getTotals(app, visit.teamId);
      const list = { segments: rows, next, now: app.now(), isCountedUnasked: total <= countedUnasked };
      if (visit.wantsPiece) return visit.piece(h(SegmentRows, list));
      return visit.page({ title: "Segments", place: "segments" }, h(SegmentsPage, list));
    })
    .get("/new", ({ visit, query }) =>
      newPage(app, visit, { name: "", draft: query.kind === "dynamic" ? newDraft() : undefined }),
    )
    .post("", async ({ visit }) => {
      const name = visit.form.text("name");
      const draft = draftOf(visit);
      visit.act(`Created the segment “${name}”`, "");
      try {
        const rules = draft && toRules(draft, await typesOf(app, visit));
        const { id } = await createSegment(app, visit.teamId, { name, rules });
        return visit.done(`/admin/segments/${id}`, "The segment is there.");
      } catch (error) {
        return newPage(app, visit, { name, draft, ...ruleMistakes(error) });
      }
    });

/** What the builder asks while it is filled in; nothing is kept. */
const builderPages = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .post("/build", async ({ visit, query }) => {
      const draft = changeDraft(readDraft(visit.form), query.do ?? "");
      const [what, freshIn] = (query.do ?? "").split(":");
      const fresh = what === "remove" ? undefined : freshIn;
      if (visit.wantsPiece) {
        return visit.piece(h(RuleBuilder, { ...(await builderOf(app, visit, draft)), fresh }));
      }
      return asWritten(app, visit, draft);
    })
    .post("/preview", async ({ visit, request }) => {
      const draft = readDraft(visit.form);
      const rules = toRules(draft, await typesOf(app, visit));
      const preview = await previewOf(app, visit, rules, request.signal);
      return visit.wantsPiece ? visit.piece(h(RulePreview, preview)) : asWritten(app, visit, draft, preview);
    });

/** The page of the form again, for whoever has no scripts. */
async function asWritten(app: App, visit: Visit, draft: DraftGroup, preview?: RulePreviewProps) {
  const id = visit.form.text("id");
  const written = { name: visit.form.text("name"), draft, preview };
  if (id === "") return newPage(app, visit, written);
  return segmentPage(app, visit, await getSegment(app, visit.teamId, id), written);
}

const onePages = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .get("/:id", async ({ visit, params, query }) => {
      const segment = await getSegment(app, visit.teamId, params.id);
      if (visit.wantsPiece) return visit.piece(h(MemberRows, await membersOf(app, visit, segment, query)));
      return segmentPage(app, visit, segment, {
        name: segment.name,
        draft: segment.rules ? toDraft(segment.rules) : undefined,
      });
    })
    .get("/:id/count", async ({ visit, params }) => {
      const segment = await getSegment(app, visit.teamId, params.id);
      const count = await countSegment(app, segment);
      if (!visit.wantsPiece) return visit.done(`/admin/segments/${segment.id}`);
      return visit.piece(h(SegmentCount, { count }));
    })
    .post("/:id", async ({ visit, params }) => {
      const segment = await getSegment(app, visit.teamId, params.id);
      const name = visit.form.text("name");
      const draft = draftOf(visit);
      visit.act(`Changed the segment “${segment.name}”`);
      try {
        const rules = draft && toRules(draft, await typesOf(app, visit));
        await updateSegment(app, visit.teamId, segment.id, { name, ...(rules !== undefined && { rules }) });
      } catch (error) {
        return segmentPage(app, visit, segment, { name, draft, ...ruleMistakes(error) });
      }
      return visit.done(`/admin/segments/${segment.id}`, "The segment is saved.");
    })
    .post("/:id/members", async ({ visit, params }) => {
      const segment = await getSegment(app, visit.teamId, params.id);
      const email = visit.form.text("email");
      visit.act(`Put ${email} into the segment “${segment.name}”`);
      try {
        await setMembership(app, visit.teamId, email, segment.id, true);
      } catch (error) {
        const mistakes = memberMistakes(error);
        return segmentPage(app, visit, segment, { name: segment.name, draft: undefined, mistakes, email });
      }
      return visit.done(`/admin/segments/${segment.id}`, `${email} is in the segment.`);
    })
    .post("/:id/members/:contactId/remove", async ({ visit, params }) => {
      const segment = await getSegment(app, visit.teamId, params.id);
      visit.act(`Took a contact out of the segment “${segment.name}”`);
      await setMembership(app, visit.teamId, params.contactId, segment.id, false);
      return visit.done(`/admin/segments/${segment.id}`, "They are not in the segment any more.");
    })
    .post("/:id/delete", async ({ visit, params }) => {
      const { name } = await getSegment(app, visit.teamId, params.id);
      visit.act(`Deleted the segment “${name}”`);
      await deleteSegment(app, visit.teamId, params.id);
      return visit.done("/admin/segments", `The segment “${name}” is deleted; its contacts stay.`);
    });

/** Whoever is not known yet is added first. */
function memberMistakes(error: unknown): Mistakes {
  if (error instanceof Refusal && error.code === "not_found") {
    return { email: "None of your contacts has this address. Add them first." } as Mistakes;
  }
  return mistakesOf(error, ["email"]);
}

const draftOf = ({ form }: Visit): DraftGroup | undefined =>
  form.text("kind") === "dynamic" ? readDraft(form) : undefined;

/** What the form of a segment holds. */
interface Written extends RuleMistakes {
  name: string;
  draft: DraftGroup | undefined;
  /** Where somebody has asked whom the rules hold. */
  preview?: RulePreviewProps | undefined;
}

interface RuleMistakes {
  mistakes?: Mistakes;
  ruleMistake?: BuilderProps["mistake"];
}

function ruleMistakes(error: unknown): RuleMistakes {
  const place = error instanceof Refusal ? placeOfMistake(error.message) : undefined;
  return place ? { ruleMistake: place } : { mistakes: mistakesOf(error, ["name"]) };
}

async function typesOf(app: App, { teamId }: Visit): Promise<(field: string) => PropertyType | undefined> {
  const definitions = await propertiesOf(app.db, teamId);
  return (field) => typeIn(definitions, field);
}

const typeIn = (definitions: Map<string, ContactProperty>, field: string): PropertyType | undefined =>
  field.startsWith(propertyPrefix)
    ? definitions.get(field.slice(propertyPrefix.length))?.type
    : contactFields.get(field);

async function builderOf(
  app: App,
  { teamId }: Visit,
  draft: DraftGroup,
  mistake?: BuilderProps["mistake"],
): Promise<BuilderProps> {
  const [definitions, topics, segments] = await Promise.all([
    propertiesOf(app.db, teamId),
    listTopics(app, teamId, { limit: mostChoices - 1 }),
    listStatic(app, teamId, mostChoices),
  ]);
  const fields = [
    ...[...contactFields].map(([field, type]) => ({ field, type, label: undefined })),
    ...[...definitions.values()].map(({ key, type, label }) => ({
      ...{ field: propertyPrefix + key, type, label: label ?? key },
    })),
  ].map((each) => ({ ...each, operators: operatorsOf(each.type) as readonly Operator[] }));
  return { draft, fields, topics, segments, mistake };
}

async function previewOf(
  app: App,
  visit: Visit,
  given: unknown,
  signal: AbortSignal,
): Promise<RulePreviewProps> {
  let rules: Rules;
  try {
    rules = await readTeamRules(app, visit.teamId, given);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const place = placeOfMistake(error.message);
    return {
      unfinished: place
        ? { path: place.path, sentence: place.sentence }
        : { path: "", sentence: inWords(error.message) },
    };
  }
  const whole = await withinAudience(app, visit, rules);
  const { count, contacts } = await previewRules(app, visit.teamId, whole, signal);
  return { count, contacts };
}

/** A dynamic segment that picks from an audience holds nobody else. */
async function withinAudience(app: App, visit: Visit, rules: Rules): Promise<Rules> {
  const id = visit.form.text("id");
  const { audienceId } = id === "" ? { audienceId: null } : await getSegment(app, visit.teamId, id);
  return audienceId === null ? rules : { all: [{ segment_id: audienceId, is_member: true }, rules] };
}

async function newPage(
  app: App,
  visit: Visit,
  { name, draft, preview, mistakes = {}, ruleMistake }: Written,
): Promise<Response> {
  const isWrong = Object.keys(mistakes).length > 0 || ruleMistake !== undefined;
  return visit.page(
    { title: "New segment", place: "segments", status: isWrong ? 422 : 200 },
    h(NewSegmentPage, {
      ...{ csrf: visit.csrf, name, mistakes },
      builder: draft && { ...(await builderOf(app, visit, draft, ruleMistake)), preview },
    }),
  );
}

async function membersOf(
  app: App,
  visit: Visit,
  segment: Segment,
  query: Record<string, string | undefined>,
) {
  const page = { ...keysetOf(query), limit: perPage };
  return {
    ...(await sliceOfSegment(app, segment, page)),
    ...{ segment, csrf: visit.csrf, now: app.now() },
  };
}

async function segmentPage(
  app: App,
  visit: Visit,
  segment: Segment,
  given: Written & { email?: string },
): Promise<Response> {
  const { name, draft, preview, mistakes = {}, ruleMistake, email = "" } = given;
  const isWrong = Object.keys(mistakes).length > 0 || ruleMistake !== undefined;
  const [{ broadcasts, segments: naming, parts }, audience] = await Promise.all([
    usesOfSegment(app, visit.teamId, segment.id, mostShown),
    segment.audienceId === null ? undefined : getSegment(app, visit.teamId, segment.audienceId),
  ]);
  return visit.page(
    { title: segment.name, place: "segments", status: isWrong ? 422 : 200 },
    h(SegmentPage, {
      ...{ csrf: visit.csrf, segment, name, mistakes, email, broadcasts, naming, parts, audience },
      builder: draft && { ...(await builderOf(app, visit, draft, ruleMistake)), preview },
      members: segment.rules ? undefined : await membersOf(app, visit, segment, {}),
    }),
  );
}
