// What pages of the admin do in the browser beyond htmx. Everything that matters works without it.
(() => {
  const say = (button, text) => {
    const label = button.getAttribute("aria-label");
    button.setAttribute("aria-label", text);
    button.classList.add("copied");
    setTimeout(() => {
      button.setAttribute("aria-label", label);
      button.classList.remove("copied");
    }, 1500);
  };

  const copy = async (button) => {
    const text = button.dataset.copy;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without TLS there is no clipboard API.
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    say(button, "Copied");
  };

  const formats = {
    full: { dateStyle: "medium", timeStyle: "medium" },
    short: { dateStyle: "medium", timeStyle: "short" },
  };
  const localise = (root) => {
    for (const time of root.querySelectorAll("time[data-local]")) {
      const kind = time.dataset.local;
      const at = new Date(time.dateTime);
      const text = new Intl.DateTimeFormat(undefined, formats[kind] ?? formats.full).format(at);
      if (kind === "title") time.title = text;
      else time.textContent = text;
      time.removeAttribute("data-local");
    }
  };

  // The command palette: a dialog filled by the server, searched as one types.
  const palette = () => document.getElementById("palette");
  const openPalette = () => {
    const dialog = palette();
    if (!dialog || dialog.open) return;
    dialog.showModal();
    window.htmx.ajax("GET", dialog.dataset.source, { target: "#palette", swap: "innerHTML" }).then(() => {
      dialog.querySelector("input")?.focus();
    });
  };
  const moveInPalette = (dialog, step) => {
    const links = [...dialog.querySelectorAll("a")];
    if (links.length === 0) return;
    const at = links.indexOf(document.activeElement);
    const next = at === -1 ? (step > 0 ? 0 : links.length - 1) : at + step;
    if (next < 0 || next >= links.length) dialog.querySelector("input")?.focus();
    else links[next].focus();
  };

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : undefined;
    const copying = target?.closest("[data-copy]");
    if (copying) copy(copying);
    if (target?.closest("[data-palette]")) openPalette();
    if (target === palette()) palette().close();
  });

  // A second click while the first is on its way would do the act twice: send an email again, make another key.
  const underWay = new WeakSet();
  document.addEventListener("submit", (event) => {
    const { target: form, submitter } = event;
    const isAct = form.getAttribute("method") === "post" && !submitter?.formTarget; // a preview is looked at beside it
    if (event.defaultPrevented || !isAct) return;
    if (underWay.has(form)) event.preventDefault();
    underWay.add(form);
    setTimeout(() => underWay.delete(form), 3000); // whoever has stopped it may mean it again
  });

  // Back loads a page anew, and the browser puts in again what was typed; what that was typed over comes back with it only
  // where a script has set it.
  for (const field of document.querySelectorAll("input[name=seen], input[name=shown]")) {
    field.value = String(field.value);
  }

  // What is written and not sent is not lost by leaving unasked; what was refused is not sent either.
  for (const form of document.querySelectorAll("form[data-guard]")) {
    let isChanged = form.querySelector(".mistake") !== null;
    form.addEventListener("input", ({ target }) => {
      if (!target.closest(".preview")) isChanged = true;
    });
    form.addEventListener("submit", ({ submitter }) => {
      if (!submitter?.formTarget) isChanged = false;
    });
    window.addEventListener("beforeunload", (event) => {
      if (isChanged) event.preventDefault();
    });
  }

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      openPalette();
      return;
    }
    const dialog = palette();
    if (!dialog?.open) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      moveInPalette(dialog, event.key === "ArrowDown" ? 1 : -1);
    }
    if (event.key === "Enter" && document.activeElement === dialog.querySelector("input")) {
      event.preventDefault();
      // Whoever types fast means what they typed, and not what is still shown of what they typed before.
      if (isSearching) goesToFirst = true;
      else dialog.querySelector("a")?.click();
    }
  });
  let isSearching = false;
  let goesToFirst = false;
  document.addEventListener("input", (event) => {
    if (!palette()?.contains(event.target)) return;
    isSearching = true;
    goesToFirst = false;
  });

  document.addEventListener("htmx:after:swap", () => {
    localise(document);
    isSearching = false;
    if (goesToFirst && palette()?.open) palette().querySelector("a")?.click();
    goesToFirst = false;
  });
  document.addEventListener("htmx:sse:after:message", () => localise(document));
  localise(document);

  // What is live is kept so by htmx, which asks again where a connection ends. Where the first could not be made it would not.
  const live = document.getElementById("not-live");
  const [firstPauseMs, longestPauseMs] = [500, 60_000]; // as htmx has them
  let pauseMs = firstPauseMs;
  const askAgain = () => {
    live.hidden = false;
    const source = live.getAttribute("hx-sse:connect");
    setTimeout(
      () => window.htmx.ajax("GET", source, { source: live }),
      pauseMs * (0.7 + 0.6 * Math.random()),
    );
    pauseMs = Math.min(2 * pauseMs, longestPauseMs);
  };
  // Who is signed out is not by asking again; the link is to the page itself, which leads to where one signs in.
  const endLive = () => {
    live.remove(); // with its element htmx ends the connection
    const said = document.getElementById("signed-out");
    said.querySelector("a").href = location.href;
    said.hidden = false;
  };
  live?.addEventListener("htmx:error", askAgain);
  live?.addEventListener("htmx:before:response", (event) => {
    const { status } = event.detail.ctx.response;
    if (status < 500 && status !== 429 && status !== 401) return;
    event.preventDefault(); // what it holds would be said at the head of the page, and stay there, or lead away from it
    if (status === 401) endLive();
    else askAgain();
  });
  live?.addEventListener("htmx:sse:error", ({ detail }) => {
    if (detail.status === 401) endLive();
    else if (detail.connection?.attempt > 0) live.hidden = false; // the first is the end of a connection, as when a page is left
  });
  live?.addEventListener("htmx:sse:after:connection", () => {
    live.hidden = true;
    pauseMs = firstPauseMs;
  });

  // What is picked is written where words for a time may stand, with the zone of whoever picks it.
  const offerPickers = () => {
    for (const picker of document.querySelectorAll("[data-picks][hidden]")) picker.hidden = false;
  };
  document.addEventListener("change", ({ target }) => {
    const field = document.getElementById(target.closest("[data-picks]")?.dataset.picks);
    if (!field || target.value === "") return;
    const minutes = -new Date(target.value).getTimezoneOffset();
    const clock = new Date(Math.abs(minutes) * 60_000).toISOString().slice(11, 16);
    field.value = `${target.value}${minutes < 0 ? "-" : "+"}${clock}`;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
  document.addEventListener("htmx:after:swap", offerPickers);
  offerPickers();

  // A page is made anew when one comes back to it (what is private is not kept by browsers): a list that had gone on is
  // loaded again as far as it was, and then to where one was in it.
  const placeKey = () => `place ${location.href}`; // filters change it
  const rows = () => document.querySelectorAll("tbody tr").length;
  const goBackToPlace = async ({ count, top }) => {
    history.scrollRestoration = "manual"; // else the browser goes to the end of what is there, and that goes on by itself
    for (let more = document.querySelector("tr.more"); more && rows() < count; ) {
      const href = more.querySelector("a").getAttribute("href");
      await window.htmx.ajax("GET", href, { source: more, target: more, swap: "outerHTML" });
      const next = document.querySelector("tr.more");
      if (next === more) break; // it was refused
      more = next;
    }
    window.scrollTo(0, top);
  };
  const kept = JSON.parse(sessionStorage.getItem(placeKey()));
  const [arrival] = performance.getEntriesByType("navigation");
  if (kept && arrival?.type === "back_forward") addEventListener("load", () => goBackToPlace(kept));
  addEventListener("pagehide", () => {
    sessionStorage.setItem(placeKey(), JSON.stringify({ count: rows(), top: scrollY }));
  });

  // Where tabs have no room, the one that is open is in sight.
  for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
    tab.scrollIntoView({ block: "nearest", inline: "center" });
  }
})();
