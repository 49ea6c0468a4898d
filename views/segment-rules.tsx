/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import { nameOf } from "./contacts.tsx";
import { Acting } from "./parts/acting.tsx";
import { Icon } from "./parts/icon.tsx";
import { counted } from "./parts/number.ts";
import {
  asks,
  type BuilderProps,
  type DraftGroup,
  numberOf,
  RemoveButton,
  Row,
  type RulePreviewProps,
} from "./segment-rule.tsx";

/** The rules of a dynamic segment, row by row, with whom they hold at the moment. Its form is around it. */
export function RuleBuilder(props: BuilderProps) {
  return (
    <div id="rules" class="rules">
      <input type="hidden" name="kind" value="dynamic" />
      <section class="card">
        <Group {...props} group={props.draft} path="" levels={4} />
      </section>
      <Acting>
        {props.preview ? (
          <RulePreview {...props.preview} />
        ) : (
          <div
            id="preview"
            class="card"
            hx-post="/admin/segments/preview"
            hx-trigger="load"
            hx-swap="outerHTML"
            hx-sync="closest form:replace"
          >
            <h2>Whom they hold</h2>
            <p class="quiet looking">Looking…</p>
          </div>
        )}
        <noscript>
          <button type="submit" class="small" formnovalidate formaction="/admin/segments/preview">
            Count them
          </button>
        </noscript>
      </Acting>
    </div>
  );
}

interface GroupProps extends BuilderProps {
  group: DraftGroup;
  path: string;
  /** How many levels of groups may be here, this one among them. */
  levels: number;
}

function Group(props: GroupProps) {
  const { group, path, levels } = props;
  const at = (index: number) => (path === "" ? String(index) : `${path}.${index}`);
  const name = path === "" ? "of the segment" : `of group ${numberOf(path)}`;
  return (
    <fieldset class={path === "" ? "rule-group root" : "rule-group"}>
      <legend class="unseen">Rules {name}</legend>
      {path !== "" && (
        <>
          <input type="hidden" name="item" value={path} />
          <input type="hidden" name="group" value={path} />
        </>
      )}
      <div class="rule-head">
        <span aria-hidden="true">{path === "" ? "Contacts for whom" : "for whom"}</span>
        <select
          id={`word:${path}`}
          name={`word:${path}`}
          aria-label={`How many rules ${name} must hold`}
          class="word"
          {...asks("")}
        >
          <option value="all" selected={group.word === "all"}>
            all
          </option>
          <option value="any" selected={group.word === "any"}>
            any
          </option>
        </select>
        <span aria-hidden="true">of these hold</span>
        {path !== "" && (
          <>
            <span class="stretch" />
            <RemoveButton path={path} what={`group ${numberOf(path)}`} />
          </>
        )}
      </div>
      <ol class="rule-list">
        {group.items.map((item, index) => {
          const isFresh = props.fresh === path && index === group.items.length - 1;
          return (
            <li>
              {"items" in item ? (
                <Group
                  {...props}
                  group={item}
                  path={at(index)}
                  levels={levels - 1}
                  fresh={isFresh ? at(index) : props.fresh}
                />
              ) : (
                <Row {...props} row={item} path={at(index)} isFresh={isFresh} />
              )}
            </li>
          );
        })}
      </ol>
      <div class="row">
        <button
          type="submit"
          id={`rule-to:${path}`}
          class="small"
          formnovalidate
          formaction={`/admin/segments/build?do=rule:${path}`}
          {...asks(`rule:${path}`)}
        >
          <Icon name="plus" />
          Add a rule
        </button>
        {levels > 1 && (
          <button
            type="submit"
            id={`group-to:${path}`}
            class="small plain"
            formnovalidate
            formaction={`/admin/segments/build?do=group:${path}`}
            {...asks(`group:${path}`)}
          >
            Add a group
          </button>
        )}
        {path === "" && (
          <noscript>
            <button type="submit" class="small" formnovalidate formaction="/admin/segments/build?do=">
              Show the fields of what I chose
            </button>
          </noscript>
        )}
      </div>
    </fieldset>
  );
}

/** Whom rules would hold: how many, and the newest of them. */
export function RulePreview({ count = 0, contacts = [], unfinished }: RulePreviewProps) {
  if (unfinished) {
    return (
      <div id="preview" class="card" role="status">
        <h2>Whom they hold</h2>
        <p class="quiet">
          {unfinished.path === "" ? "" : `Rule ${numberOf(unfinished.path)} is not finished. `}
          {unfinished.sentence}
        </p>
      </div>
    );
  }
  return (
    <div id="preview" class="card">
      <h2 aria-live="polite">
        {count === 0 ? "Nobody, at the moment" : `${counted(count, "contact")}, at the moment`}
      </h2>
      {contacts.length > 0 && (
        <ul class="sample">
          {contacts.map((contact) => (
            <li>
              <a href={`/admin/contacts/${contact.id}`}>{contact.email}</a>{" "}
              <span class="quiet">{nameOf(contact)}</span>
            </li>
          ))}
        </ul>
      )}
      {count > contacts.length && <p class="quiet">These are the newest.</p>}
    </div>
  );
}
