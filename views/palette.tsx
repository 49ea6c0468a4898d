/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import { Icon, type IconName } from "./parts/icon.tsx";

export interface PaletteEntry {
  path: string;
  name: string;
  icon: IconName;
  /** Other words it is found by. */
  also?: string;
  /** What tells it from others of its name. */
  detail?: string;
}

interface PaletteProps {
  groups: { label: string; entries: PaletteEntry[] }[];
}

/** What the palette's dialog is filled with when it opens. */
export function Palette({ groups }: PaletteProps) {
  return (
    <>
      <input
        type="search"
        name="q"
        aria-label="Search and commands"
        placeholder="Go to, do, or find an email, contact, domain, key…"
        autocomplete="off"
        hx-get="/admin/palette/find"
        hx-trigger="input delay:150ms"
        hx-target="#palette-results"
        hx-swap="innerHTML"
      />
      <div id="palette-results" aria-live="polite">
        <PaletteResults groups={groups} />
      </div>
    </>
  );
}

export function PaletteResults({ groups }: PaletteProps) {
  if (groups.length === 0) {
    return <p class="nothing quiet">Nothing of that name is here.</p>;
  }
  return (
    <>
      {groups.map(({ label, entries }) => (
        <section aria-label={label}>
          <h2>{label}</h2>
          <ul>
            {entries.map(({ path, name, icon, detail }) => (
              <li>
                <a href={path}>
                  <Icon name={icon} />
                  <span class="cut">{name}</span>
                  {detail && <span class="quiet cut">{detail}</span>}
                </a>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}
