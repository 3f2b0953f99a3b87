// The manual's search: titles and headings, in the browser.
(() => {
  const FOUND_MAX = 12;
  const box = document.getElementById("search");
  const list = document.getElementById("found");
  const count = document.getElementById("found-count");
  const pages = document.querySelector("details.pages");
  let index = null;

  // Beside the text the pages are always shown; on narrow screens they unfold.
  const wide = matchMedia("(min-width: 900px)");
  const unfold = () => {
    pages.open = wide.matches;
  };
  wide.addEventListener("change", unfold);
  unfold();

  const load = async () => {
    if (index === null) {
      index = await (await fetch("/manual/search.json")).json();
    }
    return index;
  };

  const matches = (entries, words) => {
    const found = [];
    const has = (text) => words.every((word) => text.toLowerCase().includes(word));
    for (const page of entries) {
      if (has(page.title)) {
        found.push({ rank: 0, url: page.url, text: page.title, within: "" });
      }
      for (const heading of page.headings) {
        if (has(`${page.title} ${heading.text}`) && !has(page.title)) {
          const url = `${page.url}#${heading.anchor}`;
          found.push({ rank: 1, url, text: heading.text, within: page.title });
        }
      }
    }
    return found.sort((a, b) => a.rank - b.rank).slice(0, FOUND_MAX);
  };

  const show = (found, asked) => {
    list.replaceChildren(
      ...found.map(({ url, text, within }) => {
        const item = document.createElement("li");
        const link = document.createElement("a");
        link.href = url;
        link.textContent = text;
        if (within) {
          const small = document.createElement("small");
          small.textContent = ` ${within}`;
          link.append(small);
        }
        item.append(link);
        return item;
      }),
    );
    list.hidden = found.length === 0;
    count.textContent = asked === "" ? "" : found.length ? `${found.length} found` : "Nothing found";
  };

  box.addEventListener("input", async () => {
    const asked = box.value.trim().toLowerCase();
    const entries = await load();
    if (asked === box.value.trim().toLowerCase()) {
      show(asked ? matches(entries, asked.split(/\s+/)) : [], asked);
    }
  });

  const move = (event, step) => {
    const links = [...list.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement) + step;
    (links[at] ?? box).focus();
    event.preventDefault();
  };

  document.addEventListener("keydown", (event) => {
    const inSearch = box.parentElement.contains(document.activeElement);
    if (event.key === "/" && document.activeElement !== box && !event.ctrlKey && !event.metaKey) {
      box.focus();
      event.preventDefault();
    } else if (event.key === "Escape" && inSearch) {
      box.value = "";
      show([], "");
      box.focus();
    } else if (event.key === "ArrowDown" && inSearch) {
      move(event, 1);
    } else if (event.key === "ArrowUp" && inSearch) {
      move(event, -1);
    } else if (event.key === "Enter" && document.activeElement === box) {
      list.querySelector("a")?.click();
    }
  });
})();
