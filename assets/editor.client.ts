/** The code editor of templates and broadcasts: a textarea becomes one, and stays what the form sends. */
import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { html } from "@codemirror/lang-html";
import { bracketMatching, HighlightStyle, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { EditorState, type Extension } from "@codemirror/state";
import {
  Decoration,
  drawSelection,
  EditorView,
  highlightActiveLine,
  keymap,
  lineNumbers,
  MatchDecorator,
  ViewPlugin,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";

// Colours are the page's own custom properties: they are inherited into the shadow root, light or dark.
const colours = HighlightStyle.define([
  { tag: [tags.tagName, tags.angleBracket], color: "var(--accent)" },
  { tag: [tags.attributeName, tags.propertyName], color: "var(--info)" },
  { tag: [tags.string, tags.attributeValue, tags.number, tags.unit], color: "var(--good)" },
  { tag: [tags.keyword, tags.atom, tags.bool], color: "var(--warn)" },
  { tag: [tags.comment, tags.documentMeta, tags.processingInstruction], color: "var(--quiet)" },
]);

const look = EditorView.theme({
  "&": {
    height: "100%",
    border: "1px solid var(--edge)",
    borderRadius: "var(--radius)",
    backgroundColor: "var(--paper)",
    color: "var(--ink)",
    fontSize: "13px",
    overflow: "hidden",
  },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "1px" },
  ".cm-scroller": { fontFamily: "ui-monospace, 'SF Mono', Menlo, monospace", lineHeight: "1.6" },
  ".cm-gutters": {
    backgroundColor: "var(--sunken)",
    borderRight: "1px solid var(--line)",
    color: "var(--quiet)",
  },
  ".cm-content": { caretColor: "var(--ink)", padding: "8px 0" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--sunken) 55%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "var(--sunken)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--info-paper)",
  },
  ".cm-field": { backgroundColor: "var(--warn-paper)", color: "var(--warn)", borderRadius: "3px" },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { backgroundColor: "var(--good-paper)" },
});

/** What is filled in stands out: `{{{NAME|fallback}}}`, as the server reads it. */
const fields = new MatchDecorator({
  regexp:
    /\{\{\{\s{0,20}(?:contact\.)?\w{1,50}\s{0,20}(?:\|[^{}]*)?\}\}\}|\{\{\s{0,20}contact\.\w{1,50}\s{0,20}(?:\|[^{}]*)?\}\}/g,
  decoration: Decoration.mark({ class: "cm-field" }),
});
const markedFields = ViewPlugin.define(
  (view) => {
    const plugin = {
      marks: fields.createDeco(view),
      update(update: Parameters<typeof fields.updateDeco>[0]) {
        plugin.marks = fields.updateDeco(update, plugin.marks);
      },
    };
    return plugin;
  },
  { decorations: ({ marks }) => marks },
);

/** What a browser types over coloured code it gives the colour as an inline style, which the page's policy blocks. */
const typedOverSelection = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { from, to, empty } = view.state.selection.main;
    const text = event.data;
    if (event.inputType !== "insertText" || event.isComposing || empty || text === null) return false;
    const insert = () =>
      view.state.update(view.state.replaceSelection(text), { userEvent: "input.type", scrollIntoView: true });
    const handlers = view.state.facet(EditorView.inputHandler);
    if (!handlers.some((handle) => handle(view, from, to, text, insert))) view.dispatch(insert());
    event.preventDefault();
    return true;
  },
});

const extensionsFor = (area: HTMLTextAreaElement): Extension[] => [
  lineNumbers(),
  history(),
  drawSelection(),
  highlightActiveLine(),
  bracketMatching(),
  closeBrackets(),
  indentUnit.of("  "),
  html({ autoCloseTags: true }),
  syntaxHighlighting(colours),
  markedFields,
  look,
  EditorView.lineWrapping,
  // Tab indents; Escape, then Tab, goes on to the next field: CodeMirror's own way out.
  keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, indentWithTab]),
  typedOverSelection,
  EditorState.readOnly.of(area.readOnly),
  EditorView.contentAttributes.of({
    "aria-label": area.labels?.[0]?.textContent ?? "Code",
    spellcheck: "false",
    tabindex: "0", // it can be typed in as it is; axe asks that what is inside a scroller says that it can be reached
    ...(area.ariaInvalid === "true" && { "aria-invalid": "true" }),
  }),
  EditorView.updateListener.of(({ docChanged, state }) => {
    if (!docChanged) return;
    area.value = state.doc.toString();
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }),
];

/** In a shadow root the editor's styles are adopted sheets, which the page's policy allows; elements it would block. */
function edit(area: HTMLTextAreaElement): void {
  const host = document.createElement("div");
  host.className = "editor";
  host.id = `${area.id}-editor`;
  const root = host.attachShadow({ mode: "open" });
  area.before(host);
  const view = new EditorView({ doc: area.value, extensions: extensionsFor(area), parent: root, root });
  area.hidden = true;
  area.labels?.[0]?.addEventListener("click", () => view.focus());
  if (area.autofocus) view.focus();
}

/**
 * Has the form shown in a new frame, which takes the old one's place once it is loaded: so nothing flickers, and the first
 * document of a frame is no step of the browser's history.
 */
function showPreview(form: HTMLFormElement): void {
  const button = form.querySelector<HTMLButtonElement>("[data-preview]");
  const frames = form.querySelector(".preview-frames");
  const old = frames?.querySelector("iframe:not(.coming)");
  if (!button || !frames || !old) return;
  for (const late of frames.querySelectorAll(".coming")) late.remove();
  const fresh = old.cloneNode(false) as HTMLIFrameElement;
  fresh.removeAttribute("src");
  fresh.classList.add("coming");
  fresh.name = `preview-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  frames.append(fresh);
  fresh.addEventListener("load", () => {
    if (!fresh.isConnected) return;
    for (const frame of frames.querySelectorAll("iframe")) if (frame !== fresh) frame.remove();
    fresh.classList.remove("coming");
  });
  button.formTarget = fresh.name;
  form.requestSubmit(button);
}

/** Ctrl-S saves. */
function saveByKey(form: HTMLFormElement): void {
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s") return;
    event.preventDefault();
    form.requestSubmit(document.querySelector<HTMLButtonElement>("[data-save]"));
  });
}

/** Another row of variables: the last one again, empty, under the next number. */
function addRow(body: HTMLTableSectionElement): void {
  const last = body.rows[body.rows.length - 1];
  if (!last) return;
  const row = last.cloneNode(true) as HTMLTableRowElement;
  const number = body.rows.length;
  for (const field of row.querySelectorAll<HTMLInputElement | HTMLSelectElement>("input, select")) {
    field.name = field.name.replace(/\d+$/, String(number));
    field.id = field.name;
    field.ariaLabel = field.ariaLabel?.replace(/\d+$/, String(number + 1)) ?? null;
    if (field instanceof HTMLInputElement) field.value = "";
  }
  body.append(row);
  row.querySelector("input")?.focus();
}

/** Values to try a template with are nobody's but this tab's; a save must not take them away. */
function keepTrials(form: HTMLFormElement): void {
  const key = `trials ${location.pathname}`;
  const fields = () => form.querySelectorAll<HTMLInputElement>("[data-trial]");
  const kept = new Map<string, string>(JSON.parse(sessionStorage.getItem(key) ?? "[]"));
  const nameOf = (field: HTMLInputElement) =>
    field.closest("tr")?.querySelector<HTMLInputElement>("input")?.value ?? "";
  for (const field of fields()) field.value ||= kept.get(nameOf(field)) ?? "";
  form.addEventListener("input", () => {
    const filled = [...fields()].filter(({ value }) => value !== "");
    sessionStorage.setItem(key, JSON.stringify(filled.map((field) => [nameOf(field), field.value])));
  });
}

for (const form of document.querySelectorAll<HTMLFormElement>("form[data-edit]")) {
  document.documentElement.classList.add("scripted");
  for (const area of form.querySelectorAll<HTMLTextAreaElement>("textarea[data-editor]")) edit(area);
  keepTrials(form);
  saveByKey(form);
  // What is said of the message comes first; when that is there, the message itself is asked for.
  form.addEventListener("htmx:after:swap", ({ target }) => {
    const preview = target instanceof Element ? target.closest(".preview") : null;
    if (preview && !preview.querySelector("[data-problem]")) showPreview(form);
  });
  form.addEventListener("click", ({ target }) => {
    const adding = target instanceof Element ? target.closest<HTMLElement>("[data-add-row]") : null;
    const body = adding && document.querySelector<HTMLTableSectionElement>(adding.dataset.addRow!);
    if (body) addRow(body);
  });
}
