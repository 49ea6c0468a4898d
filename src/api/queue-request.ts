import { type Static, t } from "elysia";
import { isEverything, type QueueFilter, waitingStates } from "../delivery/queue-filter.ts";
import { readQueueFilter } from "../delivery/queue-request.ts";
import { Refusal } from "../errors.ts";

const age = t.Union([t.String(), t.Number()], {
  description: 'A duration such as "90s", "30m", "2h" or "3d"; a plain number is seconds.',
});

const filterFields = {
  delivery_id: t.Optional(t.String({ format: "uuid", description: "One delivery." })),
  lane: t.Optional(t.String({ minLength: 1, description: "A lane's name, as `GET /queue/lanes` shows it." })),
  domain: t.Optional(t.String({ minLength: 1, description: "The domain of the recipients." })),
  state: t.Optional(t.Union(waitingStates.map((state) => t.Literal(state)))),
  tag: t.Optional(t.String({ minLength: 1, description: "A tag of the email: `name` or `name:value`." })),
  older_than: t.Optional(age),
  newer_than: t.Optional(age),
};

export const reasonField = t.String({ maxLength: 500, description: "At most 500 characters, for people." });

// Unknown fields are refused: a misspelt one must not widen what an operator bounces or cancels.
export const countRequest = t.Object(filterFields, { additionalProperties: false });

export const listRequest = t.Object(
  {
    ...filterFields,
    limit: t.Optional(
      t.Integer({ minimum: 1, maximum: 100, description: "How many at most; 20 when absent." }),
    ),
  },
  { additionalProperties: false },
);

export const actRequest = t.Object(
  {
    ...filterFields,
    all: t.Optional(t.Boolean({ description: "Must be true where there is no filter." })),
    reason: t.Optional(reasonField),
    expected_count: t.Optional(
      t.Integer({ minimum: 0, description: "What `POST /queue/count` gave; nothing is done if it differs." }),
    ),
  },
  { additionalProperties: false },
);

/** What a request picks, of one team. */
export const readFilter = (body: Static<typeof countRequest>, teamId: string): QueueFilter =>
  readQueueFilter(body, teamId);

/** The same for what changes something: to mean everything is to say so. A forgotten or misspelt field must not mean it. */
export function readActFilter(body: Static<typeof actRequest>, teamId: string): QueueFilter {
  const filter = readFilter(body, teamId);
  if (isEverything(filter) && body.all !== true) {
    throw new Refusal(
      "missing_required_field",
      'Say which deliveries: `delivery_id`, `lane`, `domain`, `state`, `tag`, `older_than`, `newer_than`, or `"all": true` for all that wait.',
    );
  }
  return filter;
}
