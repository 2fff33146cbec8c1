// The page's only script: filters, search, and the story of a cell. Without it the page still says what changed.
"use strict";
(() => {
  const table = document.querySelector("table.pivot");
  const panel = document.getElementById("panel");
  if (!table || !panel) return;
  const cells = [...table.querySelectorAll("a[data-n]")];
  const byHash = new Map(cells.map((cell) => [cell.getAttribute("href"), cell]));
  const rows = [...table.tBodies[0].rows];
  const heads = [...table.tHead.rows];
  const dense = table.classList.contains("dense");
  const headCount = rows[0].querySelectorAll("th").length;

  // ------------------------------------------------------------------------------------------------ where a cell stands
  // The text of the column heads over each column, from top to bottom.
  const columnHeads = [];
  const spans = heads.map((row, level) => {
    const own = level === heads.length - 1 ? headCount : 1;
    let at = 0;
    return [...row.cells].slice(own).map((head) => {
      const width = head.colSpan, start = at;
      for (; at < start + width; at += 1) (columnHeads[at] ||= []).push(head.textContent.trim());
      return { head, start, width };
    });
  });
  const titles = heads.map((row, level) => {
    const own = row.cells[level === heads.length - 1 ? headCount - 1 : 0].textContent;
    return own.replace(/^.*╲/s, "").trim();
  });
  const rowTitles = [...heads[heads.length - 1].cells].slice(0, headCount)
    .map((head) => head.textContent.replace(/╲.*$/s, "").trim());
  const places = cells.map((cell) => {
    const td = cell.closest("td");
    const column = td.cellIndex - headCount;
    const row = td.parentElement;
    const rowHeads = [...row.cells].slice(0, headCount).map((head) => head.textContent.trim());
    const cause = document.getElementById(`cause-${cell.dataset.c}`);
    return {
      cell, td, row, column, rowHeads,
      columnHeads: columnHeads[column] || [],
      verdict: td.dataset.v || cell.dataset.v,
      cause: cell.dataset.c || "",
      news: td.classList.contains("news"),
      text: [...rowHeads, ...(columnHeads[column] || []), cell.getAttribute("href"),
        cause ? cause.querySelector("h3").textContent : ""].join(" ").toLowerCase(),
    };
  });

  // ------------------------------------------------------------------------------------------------------------ filters
  const form = document.createElement("form");
  form.className = "filters screen";
  form.setAttribute("role", "search");
  form.addEventListener("submit", (event) => event.preventDefault());
  const label = (text, control) => {
    const element = document.createElement("label");
    element.append(`${text} `, control);
    form.append(element);
    return control;
  };
  const choice = (text, name, options) => {
    const select = document.createElement("select");
    select.name = name;
    select.append(new Option("all", ""));
    for (const [value, shown] of options) select.append(new Option(shown, value));
    return label(text, select);
  };
  const counted = (values) => {
    const times = new Map();
    for (const value of values) times.set(value, (times.get(value) || 0) + 1);
    return times;
  };
  const search = document.createElement("input");
  search.type = "search";
  search.name = "search";
  search.placeholder = "model, version, cause";
  label("search", search);
  const verdicts = counted(places.map((place) => place.verdict));
  choice("verdict", "verdict", [...verdicts].map(([value, times]) => [value, `${value} (${times})`]));
  const news = places.filter((place) => place.news).length;
  choice("shown", "news", [["news", `${table.dataset.news} (${news})`], ["known", `the rest (${places.length - news})`]]);
  const causes = [...counted(places.map((place) => place.cause))].filter(([value]) => value && value !== "0")
    .sort((one, other) => other[1] - one[1]);
  choice("cause", "cause", causes.map(([value, times]) => {
    const title = document.querySelector(`#cause-${value} h3 code, #cause-${value} h3`);
    return [value, `${(title ? title.textContent : value).trim().slice(0, 60)} (${times})`];
  }));
  const axes = [];
  const axis = (title, level, kind) => {
    const values = [...new Set(places.map((place) => place[kind][level]))].filter(Boolean);
    if (values.length < 2) return;
    axes.push({ kind, level, control: choice(title, `${kind}-${level}`, values.map((value) => [value, value])) });
  };
  rowTitles.forEach((title, level) => axis(title, level, "rowHeads"));
  titles.forEach((title, level) => axis(title, level, "columnHeads"));
  const reset = document.createElement("button");
  reset.type = "reset";
  reset.textContent = "reset";
  const shownCount = document.createElement("output");
  form.append(reset, shownCount);
  table.closest(".frame").before(form);

  const apply = () => {
    const given = new FormData(form);
    const words = given.get("search").toLowerCase().split(/\s+/).filter(Boolean);
    const [verdict, which, cause] = ["verdict", "news", "cause"].map((name) => given.get(name));
    const wanted = axes.map(({ kind, level, control }) => [kind, level, control.value]).filter(([, , value]) => value);
    const keptRows = new Set(), keptColumns = new Set();
    let number = 0;
    for (const place of places) {
      const fits = (!verdict || place.verdict === verdict)
        && (!which || place.news === (which === "news"))
        && (!cause || place.cause === cause)
        && wanted.every(([kind, level, value]) => place[kind][level] === value)
        && words.every((word) => place.text.includes(word));
      place.cell.classList.toggle("off", !fits);
      if (!fits) continue;
      number += 1;
      keptRows.add(place.row);
      keptColumns.add(place.column);
    }
    const all = number === places.length;
    for (const row of rows) {
      row.hidden = !all && !keptRows.has(row);
      if (row.hidden) continue;
      for (let at = headCount; at < row.cells.length; at += 1) {
        row.cells[at].hidden = !all && !keptColumns.has(at - headCount);
      }
    }
    if (table.tFoot) table.tFoot.hidden = !all;
    for (const level of spans) {
      for (const { head, start, width } of level) {
        let kept = 0;
        for (let at = start; at < start + width; at += 1) if (all || keptColumns.has(at)) kept += 1;
        head.hidden = kept === 0;
        if (kept) head.colSpan = kept;
      }
    }
    shownCount.textContent = all ? `${number} cases` : `${number} of ${places.length} cases`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => requestAnimationFrame(apply));
  apply();

  // --------------------------------------------------------------------------------------------------- the story of a cell
  const blocks = new Map();
  const unpack = async (number) => {
    const block = document.getElementById(`stories-${number}`);
    const bytes = Uint8Array.from(atob(block.textContent.trim()), (char) => char.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return JSON.parse(await new Response(stream).text());
  };
  const story = async (cell) => {
    const target = document.getElementById(decodeURI(cell.getAttribute("href").slice(1)));
    const details = target && target.matches("details") ? target : null;
    if (details) return details.querySelector(":scope > div").innerHTML;
    const size = Number(table.dataset.block), at = Number(cell.dataset.n);
    const number = Math.floor(at / size);
    if (!blocks.has(number)) blocks.set(number, unpack(number));
    return (await blocks.get(number))[at % size];
  };
  let shown = null;
  const open = async (cell, scroll) => {
    if (shown) shown.classList.remove("current");
    shown = cell;
    cell.classList.add("current");
    const text = await story(cell);
    if (shown !== cell) return;
    panel.querySelector(".content").innerHTML = text;
    panel.hidden = false;
    panel.scrollTop = 0;
    if (scroll) cell.scrollIntoView({ block: "center", inline: "center" });
  };
  const close = () => {
    panel.hidden = true;
    if (!shown) return;
    shown.classList.remove("current");
    shown.focus({ preventScroll: true });
    shown = null;
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#case-']");
    const cell = link && byHash.get(link.getAttribute("href"));
    if (!cell) return;
    event.preventDefault();
    history.replaceState(null, "", cell.getAttribute("href"));
    open(cell, link !== cell);
  });
  panel.querySelector("button").addEventListener("click", close);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !panel.hidden) close();
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    const from = document.activeElement && document.activeElement.closest("table.pivot td");
    if (!step || !from) return;
    let row = from.parentElement, at = from.cellIndex;
    for (;;) {
      if (step[0]) row = step[0] > 0 ? row.nextElementSibling : row.previousElementSibling;
      at += step[1];
      const next = row && row.cells[at];
      if (!next) return;
      const target = !row.hidden && !next.hidden && next.querySelector("a[data-n]:not(.off)");
      if (!target) continue;
      event.preventDefault();
      target.focus();
      if (!panel.hidden) open(target, false);
      return;
    }
  });
  if (dense) {
    table.addEventListener("mouseover", (event) => {
      const cell = event.target.closest("a[data-n]");
      if (!cell || cell.title) return;
      const place = places[cells.indexOf(cell)];
      cell.title = [cell.getAttribute("aria-label"), place.rowHeads.join(" "), place.columnHeads.join(" ")].join(" · ");
    });
  }
  const fromHash = () => {
    const cell = byHash.get(decodeURI(location.hash)) || byHash.get(location.hash);
    if (cell) open(cell, true);
  };
  addEventListener("hashchange", fromHash);
  fromHash();
  document.documentElement.dataset.ready = "";
})();
