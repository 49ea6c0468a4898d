/** The sites of one node, by name. */
import type { App } from "../app.ts";
import { Site } from "./site.ts";
import { sitePolicy } from "./site-policy.ts";

/** More than a node talks to in an hour; those that nobody uses make room. */
const maxSites = 20_000;
const sweepMs = 1_000;

class Sites {
  readonly #app: App;
  readonly #byName = new Map<string, Site>();
  #sweep: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(app: App) {
    this.#app = app;
  }

  find(name: string): Site | undefined {
    return this.#byName.get(name);
  }

  get(name: string, hosts: readonly string[], domain: string): Site {
    let site = this.#byName.get(name);
    if (!site) {
      site = new Site(name, sitePolicy(this.#app.config, { hosts, domain }));
      this.#byName.set(name, site);
      if (this.#byName.size > maxSites) this.#makeRoom();
    }
    return site;
  }

  /** To be called when a connection was kept: it is closed when its time is over. */
  watchIdle(): void {
    if (this.#sweep || this.#isClosed) return;
    this.#sweep = setTimeout(() => {
      this.#sweep = undefined;
      let isAnyIdle = false;
      for (const site of this.#byName.values()) {
        if (!site.hasIdle) continue;
        site.closeIdle();
        isAnyIdle ||= site.hasIdle;
      }
      if (isAnyIdle) this.watchIdle();
    }, sweepMs);
  }

  counts(): { sites: number; open: number; busy: number } {
    const counts = { sites: this.#byName.size, open: 0, busy: 0 };
    for (const { load } of this.#byName.values()) {
      counts.open += load.open;
      counts.busy += load.busy;
    }
    return counts;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#sweep);
    for (const site of this.#byName.values()) site.closeIdle(true);
    this.#byName.clear();
  }

  #makeRoom(): void {
    let excess = this.#byName.size - maxSites * 0.9;
    for (const [name, site] of this.#byName) {
      if (excess <= 0) return;
      if (!site.isUnused) continue;
      this.#byName.delete(name);
      excess -= 1;
    }
  }
}

const sitesByApp = new WeakMap<App, Sites>();

export function sitesOf(app: App): Sites {
  let sites = sitesByApp.get(app);
  if (!sites) {
    sites = new Sites(app);
    sitesByApp.set(app, sites);
  }
  return sites;
}

/** Says goodbye to every host that a connection is open to; part of the program's stop. */
export function closeSites(app: App): void {
  sitesByApp.get(app)?.close();
  sitesByApp.delete(app);
}
