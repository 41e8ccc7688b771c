"use strict";
const one = (selector) => document.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
all(".needs-script").forEach((part) => { part.hidden = false; });

// Tables: a click on a heading sorts by it, another turns the order round. What is empty comes last.
all("table.sortable").forEach((table) => {
  all("thead th", table).forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const first = heading.classList.contains("text") ? "ascending" : "descending";
      const other = first === "ascending" ? "descending" : "ascending";
      const order = heading.getAttribute("aria-sort") === first ? other : first;
      all("thead th", table).forEach((each) => each.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", order);
      const key = (row) => row.cells[column].dataset.key ?? row.cells[column].textContent.trim();
      const sign = order === "ascending" ? 1 : -1;
      const rows = all("tbody tr", table).sort((a, b) => {
        const [x, y] = [key(a), key(b)];
        if (x === "" || y === "") return (x === "") - (y === "");
        const [m, n] = [Number(x), Number(y)];
        return sign * (Number.isNaN(m) || Number.isNaN(n) ? x.localeCompare(y) : m - n);
      });
      table.tBodies[0].append(...rows);
    });
  });
});

// The gallery: a film is found if one of its pairs of genre and outcome is what is asked for. Of those found a dozen is
// shown, and a dozen more each time that is asked for; on paper all are.
const DOZEN = 12;
const genre = one("#filter-genre"), outcome = one("#filter-outcome"), cards = all(".card"), more = one("#show-more");
function show(most) {
  const found = cards.filter((card) => {
    const pairs = card.dataset.pairs.split(" ").map((pair) => pair.split(":"));
    const here = pairs.some(([g, o]) => (!genre.value || g === genre.value) && (!outcome.value || o === outcome.value));
    card.hidden = !here;
    return here;
  });
  found.forEach((card, place) => card.classList.toggle("later", place >= most));
  one("#shown").textContent = `${Math.min(most, found.length)} of ${found.length} films shown`;
  const left = found.length - most;
  more.hidden = left <= 0;
  more.textContent = `Show ${Math.min(left, DOZEN)} more films`;
  more.onclick = () => {
    show(most + DOZEN);
    found[most].tabIndex = -1;
    found[most].focus({ preventScroll: true });
  };
}
const filter = () => show(DOZEN);
if (genre) {
  filter();
  genre.addEventListener("change", filter);
  outcome.addEventListener("change", filter);
  one("#filter-clear").addEventListener("click", () => { genre.value = outcome.value = ""; filter(); });
  all("button[data-genre]").forEach((button) => button.addEventListener("click", () => {
    genre.value = button.dataset.genre;
    outcome.value = "";
    filter();
    one("#gallery").scrollIntoView();
    genre.focus({ preventScroll: true });
  }));
}

const places = one("#show-places");
if (places) {
  places.addEventListener("click", () => {
    const on = one(".cards").classList.toggle("with-places");
    places.setAttribute("aria-pressed", String(on));
  });
}

// Genres: all open or all closed; a link to a genre opens it; everything is open on paper.
const sections = all("details.genre");
const openAll = (open) => sections.forEach((part) => { part.open = open; });
one("#open-all").addEventListener("click", () => openAll(true));
one("#close-all").addEventListener("click", () => openAll(false));
const openTarget = () => {
  const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (target && target.tagName === "DETAILS") target.open = true;
};
addEventListener("hashchange", openTarget);
addEventListener("beforeprint", () => openAll(true));
openTarget();
