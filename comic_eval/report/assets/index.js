"use strict";
// The list of samples: filters with counts, text search and keys. Everything from the run goes through textContent.
// The filters stand in the address behind "#", and a sample's link also holds which samples they leave, so that its
// "next" stays among those without any storage.
(() => {
  const { rows: packed, tasks, outcomes, languages } = JSON.parse(document.getElementById("data").textContent);
  const FIELDS = ["id", "task", "outcome", "page", "language", "setting", "question", "extracted", "answer", "note", "zooms", "search"];
  const rows = packed.map((values, number) => ({ number, ...Object.fromEntries(FIELDS.map((f, i) => [f, values[i]])) }));
  const zoomOf = (row) => (row.zooms > 0 ? "zoomed" : "not");
  const FILTERS = {
    outcome: { of: (row) => row.outcome, names: outcomes, all: "All" },
    task: { of: (row) => row.task, names: tasks, all: "All tasks" },
    zoom: { of: zoomOf, names: { zoomed: "Zoomed", not: "Not zoomed" }, all: "All" },
    language: { of: (row) => row.language, names: languages, all: "All" },
    setting: { of: (row) => row.setting, names: Object.fromEntries(rows.map((row) => [row.setting, row.setting])), all: "All" },
  };
  const STEP = 200;
  const $ = (id) => document.getElementById(id);
  // A run without the tool has no such filter.
  if (!$("zoom")) delete FILTERS.zoom;
  const search = $("search");
  const state = Object.fromEntries(Object.keys(FILTERS).map((name) => [name, ""]));
  let found = [];
  let drawn = 0;

  const make = (tag, className, text) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };

  const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const wordsOf = (text) => fold(text).split(/\s+/).filter(Boolean);
  const fits = (row, words, except) =>
    words.every((word) => row.search.includes(word)) &&
    Object.entries(FILTERS).every(([name, filter]) => name === except || !state[name] || filter.of(row) === state[name]);

  function counts(name, words) {
    const count = new Map();
    let total = 0;
    for (const row of rows) {
      if (!fits(row, words, name)) continue;
      total += 1;
      const value = FILTERS[name].of(row);
      count.set(value, (count.get(value) || 0) + 1);
    }
    return { count, total };
  }

  function drawSegments(words) {
    const { count, total } = counts("outcome", words);
    const group = $("outcome");
    if (!group.children.length) {
      for (const value of ["", ...Object.keys(outcomes)]) {
        const button = make("button", value || "all");
        button.type = "button";
        button.dataset.value = value;
        button.append(make("span", "", value ? outcomes[value] : FILTERS.outcome.all), " ", make("span", "count"));
        button.addEventListener("click", () => set("outcome", value));
        group.append(button);
      }
    }
    for (const button of group.children) {
      const value = button.dataset.value;
      const number = value ? count.get(value) || 0 : total;
      button.querySelector(".count").textContent = number.toLocaleString("en");
      button.setAttribute("aria-pressed", String(state.outcome === value));
      button.disabled = number === 0 && state.outcome !== value;
    }
  }

  function drawSelect(name, words) {
    const filter = FILTERS[name];
    const { count, total } = counts(name, words);
    const options = [["", `${filter.all} (${total.toLocaleString("en")})`]];
    const values = Object.keys(filter.names).filter((v) => name === "zoom" || rows.some((row) => filter.of(row) === v));
    for (const v of values) options.push([v, `${filter.names[v]} (${(count.get(v) || 0).toLocaleString("en")})`]);
    $(name).replaceChildren(
      ...options.map(([value, label]) => {
        const option = make("option", "", label);
        option.value = value;
        option.selected = value === state[name];
        option.disabled = value !== "" && value !== state[name] && !count.get(value);
        return option;
      }),
    );
    if (name === "setting") $(name).closest("label").hidden = values.length < 2;
  }

  const fragment = () => {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(state)) if (value) parameters.set(name, value);
    if (search.value.trim()) parameters.set("q", search.value.trim());
    return parameters;
  };

  // The samples that the filters leave, as one bit each.
  function bits() {
    const bytes = new Uint8Array(Math.ceil(rows.length / 8));
    for (const row of found) bytes[row.number >> 3] |= 1 << (row.number & 7);
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    return btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function line(row, address) {
    const item = make("li");
    const link = make("a", `row ${row.outcome}`);
    link.href = `samples/${String(row.number).padStart(5, "0")}.html${address}`;
    link.dataset.number = row.number;
    const read = make("span", "read");
    read.append(
      row.extracted
        ? make("bdi", row.outcome === "right" ? "" : "mistaken", row.extracted)
        : make("span", "none", row.note ? `no answer: ${row.note}` : "no answer"),
    );
    if (row.outcome !== "right") read.append(make("span", "none", " · right: "), make("bdi", "", row.answer));
    const about = make("span", "about");
    about.append(make("span", "task", tasks[row.task]), " · ", make("bdi", "id", row.id));
    if (row.note && row.extracted) about.append(" · ", row.note);
    if (row.zooms) about.append(" ", make("span", "zoomed", row.zooms === 1 ? "1 zoom" : `${row.zooms} zooms`));
    const question = make("span", "asked");
    question.append(make("bdi", "", row.question));
    question.lang = row.language;
    link.append(make("span", `badge ${row.outcome}`, outcomes[row.outcome]), question, read, about);
    item.append(link);
    return item;
  }

  function more() {
    const parameters = fragment();
    if (found.length < rows.length) parameters.set("in", bits());
    const address = parameters.size ? `#${parameters}` : "";
    $("list").append(...found.slice(drawn, drawn + STEP).map((row) => line(row, address)));
    drawn = Math.min(found.length, drawn + STEP);
    $("more").hidden = drawn >= found.length;
  }

  function draw() {
    const words = wordsOf(search.value);
    found = rows.filter((row) => fits(row, words));
    drawSegments(words);
    for (const name of Object.keys(FILTERS)) if (name !== "outcome") drawSelect(name, words);
    $("list").replaceChildren();
    drawn = 0;
    more();
    const all = rows.length.toLocaleString("en");
    $("found").textContent =
      found.length === rows.length ? `All ${all} samples` : `${found.length.toLocaleString("en")} of ${all} samples`;
    $("clear").disabled = !fragment().size;
  }

  let remembering;
  function remember() {
    clearTimeout(remembering);
    remembering = setTimeout(() => history.replaceState(null, "", `#${fragment()}`), 150);
  }

  function set(name, value) {
    state[name] = value;
    draw();
    remember();
  }

  function clear() {
    for (const name of Object.keys(state)) state[name] = "";
    search.value = "";
    draw();
    remember();
  }

  function recall() {
    const parameters = new URLSearchParams(location.hash.slice(1));
    for (const [name, filter] of Object.entries(FILTERS)) {
      const value = parameters.get(name) || "";
      state[name] = Object.hasOwn(filter.names, value) ? value : "";
    }
    search.value = parameters.get("q") || "";
    draw();
    const at = $("list").querySelector(`a[data-number="${Number(parameters.get("at"))}"]`);
    if (parameters.has("at") && at) at.focus();
  }

  for (const name of Object.keys(FILTERS)) {
    if (name !== "outcome") $(name).addEventListener("change", (event) => set(name, event.target.value));
  }
  search.addEventListener("input", () => {
    draw();
    remember();
  });
  $("clear").addEventListener("click", clear);
  $("more").addEventListener("click", more);
  document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  for (const button of document.querySelectorAll("button[data-task]")) {
    button.addEventListener("click", () => {
      set("task", state.task === button.dataset.task ? "" : button.dataset.task);
      document.querySelector("form").scrollIntoView({ block: "start" });
    });
  }
  new IntersectionObserver((entries) => entries.some((e) => e.isIntersecting) && drawn < found.length && more(), {
    rootMargin: "600px",
  }).observe($("more"));

  function step(by) {
    const links = [...$("list").querySelectorAll("a.row")];
    const now = links.indexOf(document.activeElement);
    if (now + by >= links.length - 1 && drawn < found.length) more();
    const next = now < 0 ? links[0] : $("list").querySelectorAll("a.row")[now + by];
    if (next) next.focus();
  }

  const help = $("help");
  $("keys").addEventListener("click", () => help.showModal());
  $("close").addEventListener("click", () => help.close());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    const typing = event.target === search;
    if (event.key === "Escape") {
      if (typing) search.blur();
      else clear();
    } else if (typing || event.target instanceof HTMLSelectElement) {
      if (typing && event.key === "ArrowDown") step(1);
      return;
    } else if (event.key === "/") search.focus();
    else if (event.key === "?") help.showModal();
    else if (event.key === "j" || event.key === "ArrowDown") step(1);
    else if (event.key === "k" || event.key === "ArrowUp") step(-1);
    else return;
    event.preventDefault();
  });
  window.addEventListener("hashchange", recall);
  recall();
})();
