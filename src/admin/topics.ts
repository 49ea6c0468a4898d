import { Elysia } from "elysia";
import { h } from "preact";
import { NewTopicPage, TopicPage, TopicRows, TopicsPage, type TopicValues } from "../../views/topics.tsx";
import { UnsubscribePage } from "../../views/unsubscribe.tsx";
import type { App } from "../app.ts";
import { usesOfTopic } from "../broadcasts/uses.ts";
import type { Subscription, Topic } from "../contacts/schema.ts";
import { createTopic, deleteTopic, getTopic, listTopics, updateTopic } from "../contacts/topics.ts";
import { type Mistakes, mistakesOf } from "./mistakes.ts";
import { previewAnswer } from "./preview.ts";
import { keysetOf, signedIn, sliceOf, type Visit } from "./visit.ts";

const fields = ["name", "description", "default_subscription", "visibility"] as const;
const mostShown = 5;
const mostPreviewed = 200;

export const topicPages = (app: App) =>
  new Elysia({ prefix: "/topics" })
    .use(signedIn(app))
    .get("", async ({ visit, query }) => {
      const page = keysetOf(query);
      const { rows, next } = sliceOf(await listTopics(app, visit.teamId, page), page);
      const list = { topics: rows, next, now: app.now() };
      if (visit.wantsPiece) return visit.piece(h(TopicRows, list));
      return visit.page({ title: "Topics", place: "topics" }, h(TopicsPage, list));
    })
    .get("/preview", async ({ visit }) => {
      const topics = await listTopics(app, visit.teamId, { limit: mostPreviewed });
      const preferences = {
        ...{ address: "somebody@example.com", sender: visit.team.name, unsubscribed: false, topic: null },
        topics: topics
          .filter(
            ({ visibility, defaultSubscription }) =>
              visibility === "public" || defaultSubscription === "opt_in",
          )
          .map((topic) => ({ ...topic, isSubscribed: topic.defaultSubscription === "opt_in" }))
          .reverse(),
      };
      return previewAnswer(h(UnsubscribePage, { preferences }));
    })
    .get("/new", ({ visit }) => newPage(visit, { name: "", description: "", visibility: "public", ...optIn }))
    .post("", async ({ visit }) => {
      const values = { ...valuesOf(visit), defaultSubscription: subscriptionOf(visit) };
      visit.act(`Created the topic “${values.name}”`, "");
      try {
        await createTopic(app, visit.teamId, { ...values, visibility: visibilityOf(values) });
      } catch (error) {
        return newPage(visit, values, mistakesOf(error, fields));
      }
      return visit.done("/admin/topics", "The topic is there: broadcasts may be about it from now on.");
    })
    .get("/:id", async ({ visit, params }) => {
      const topic = await getTopic(app, visit.teamId, params.id);
      return topicPage(app, visit, topic, { ...topic, description: topic.description ?? "" });
    })
    .post("/:id", async ({ visit, params }) => {
      const topic = await getTopic(app, visit.teamId, params.id);
      const values = { ...valuesOf(visit), defaultSubscription: topic.defaultSubscription };
      visit.act(`Changed the topic “${topic.name}”`);
      try {
        const { name, description } = values;
        await updateTopic(app, visit.teamId, topic.id, {
          ...{ name, description: description || null, visibility: visibilityOf(values) },
        });
      } catch (error) {
        return topicPage(app, visit, topic, values, mistakesOf(error, fields));
      }
      return visit.done("/admin/topics", "The topic is changed.");
    })
    .post("/:id/delete", async ({ visit, params }) => {
      const { name } = await getTopic(app, visit.teamId, params.id);
      visit.act(`Deleted the topic “${name}”`);
      await deleteTopic(app, visit.teamId, params.id);
      return visit.done("/admin/topics", `The topic “${name}” is deleted.`);
    });

const optIn = { defaultSubscription: "opt_in" as Subscription };

const valuesOf = ({ form }: Visit) => ({
  name: form.text("name"),
  description: form.text("description"),
  visibility: form.text("visibility"),
});

const subscriptionOf = ({ form }: Visit): Subscription =>
  form.text("default_subscription") === "opt_out" ? "opt_out" : "opt_in";

const visibilityOf = ({ visibility }: { visibility: string }): Topic["visibility"] =>
  visibility === "public" ? "public" : "private";

function newPage(visit: Visit, values: TopicValues, mistakes: Mistakes = {}): Promise<Response> {
  const status = Object.keys(mistakes).length > 0 ? 422 : 200;
  return visit.page(
    { title: "New topic", place: "topics", status },
    h(NewTopicPage, { csrf: visit.csrf, values, mistakes }),
  );
}

async function topicPage(
  app: App,
  visit: Visit,
  topic: Topic,
  values: TopicValues,
  mistakes: Mistakes = {},
): Promise<Response> {
  const status = Object.keys(mistakes).length > 0 ? 422 : 200;
  const uses = await usesOfTopic(app, visit.teamId, topic.id, mostShown);
  return visit.page(
    { title: topic.name, place: "topics", status },
    h(TopicPage, { csrf: visit.csrf, topic, values, mistakes, ...uses }),
  );
}
