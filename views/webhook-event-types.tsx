/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import { Icon } from "./parts/icon.tsx";
import { PageHead } from "./parts/page-head.tsx";

export interface EventTypesProps {
  groups: { name: string; events: { name: string; meaning: string; example: string }[] }[];
}

/** Each kind of event with what a call carries, in the groups of the form that chooses them. */
export function EventTypesPage({ groups }: EventTypesProps) {
  return (
    <>
      <PageHead
        title="Events"
        lead="What a webhook may hear of, and what its calls carry then."
        up={{ path: "/admin/webhooks", name: "Webhooks" }}
      />
      {groups.map(({ name, events }) => (
        <section class="card">
          <h2>{name}</h2>
          {events.map((event) => (
            <details id={`event-${event.name.replaceAll(".", "-")}`}>
              <summary>
                <code>{event.name}</code> <span class="quiet">{event.meaning}</span>
              </summary>
              <pre>{event.example}</pre>
              <button
                type="button"
                data-copy={event.example}
                aria-label={`Copy the example of ${event.name}`}
              >
                <Icon name="copy" />
                Copy
              </button>
            </details>
          ))}
        </section>
      ))}
    </>
  );
}
