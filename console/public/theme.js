// Sets the theme before the first paint; a file of its own, since the page allows no inline script.
(() => {
  let kept = null;
  try {
    kept = localStorage.getItem("vpcflow.theme");
  } catch {
    // Storage may be forbidden; the system's choice it is.
  }
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme =
    kept === "dark" || kept === "light" ? kept : dark ? "dark" : "light";
})();
