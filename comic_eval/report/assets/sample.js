"use strict";
// A sample's page: next and previous among the samples that the index's filters left, keys, and labels of readable size.
(() => {
  const $ = (id) => document.getElementById(id);
  const here = Number(document.body.dataset.number);
  const count = Number(document.body.dataset.count);
  const parameters = new URLSearchParams(location.hash.slice(1));

  function numbers() {
    try {
      const text = atob((parameters.get("in") || "").replace(/-/g, "+").replace(/_/g, "/"));
      const all = [];
      for (let i = 0; i < text.length * 8 && i < count; i += 1) if (text.charCodeAt(i >> 3) & (1 << (i & 7))) all.push(i);
      return all;
    } catch {
      return [];
    }
  }

  function point(id, number) {
    const link = $(id);
    if (number === undefined) link.removeAttribute("href");
    else link.href = `${String(number).padStart(5, "0")}.html${location.hash}`;
  }

  const among = numbers();
  if (among.includes(here)) {
    const at = among.indexOf(here);
    point("previous", among[at - 1]);
    point("next", among[at + 1]);
    $("place").textContent = `${(at + 1).toLocaleString("en")} of ${among.length.toLocaleString("en")} filtered`;
  } else if (location.hash.length > 1) {
    point("previous", here > 0 ? here - 1 : undefined);
    point("next", here + 1 < count ? here + 1 : undefined);
  }
  parameters.delete("in");
  parameters.set("at", here);
  $("back").href = `../index.html#${parameters}`;

  // Labels keep their size on the screen, whatever the size of the page under them.
  const boxes = document.querySelector(".boxes");
  function scale() {
    const frame = boxes.viewBox.baseVal;
    const [across, down] = [frame.width / boxes.clientWidth, frame.height / boxes.clientHeight];
    for (const tag of boxes.querySelectorAll(".tag")) {
      const { x, y } = tag.dataset;
      tag.setAttribute("transform", `translate(${x} ${y}) scale(${across} ${down})`);
    }
  }
  if (boxes) new ResizeObserver(() => boxes.clientWidth && scale()).observe(boxes);

  // A zoom and its boxes light up together.
  function light(call, on) {
    for (const element of document.querySelectorAll("[data-call]")) {
      if (element.dataset.call === call) element.classList.toggle("lit", on);
    }
  }
  for (const element of document.querySelectorAll("[data-call]")) {
    const { call } = element.dataset;
    for (const kind of ["pointerenter", "focusin"]) element.addEventListener(kind, () => light(call, true));
    for (const kind of ["pointerleave", "focusout"]) element.addEventListener(kind, () => light(call, false));
  }

  // One switch takes all boxes off the picture; it never says otherwise than what is seen.
  const bare = $("as-sent");
  const layers = [...document.querySelectorAll(".layers input[id^='show-']")];
  const isDrawn = () => layers.some((layer) => layer.checked);
  if (bare) {
    bare.addEventListener("change", () => {
      if (!bare.checked && !isDrawn()) for (const layer of layers) layer.checked = true;
    });
    for (const layer of layers) layer.addEventListener("change", () => (bare.checked = !isDrawn()));
  }
  const KEYS = {
    j: () => $("next").href && $("next").click(),
    k: () => $("previous").href && $("previous").click(),
    u: () => $("back").click(),
    b: () => bare && bare.click(),
    f: () => $("large").click(),
    r: () => {
      const thoughts = [...document.querySelectorAll("details.reasoning")];
      const open = !thoughts.some((thought) => thought.open);
      for (const thought of thoughts) thought.open = open;
    },
  };
  KEYS.ArrowRight = KEYS.j;
  KEYS.ArrowLeft = KEYS.k;
  KEYS.Escape = KEYS.u;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(KEYS, event.key)) return;
    KEYS[event.key]();
    event.preventDefault();
  });
})();
