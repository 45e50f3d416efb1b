// Applied before the first paint; the choice outlives the visit.
(() => {
  const root = document.documentElement;
  const stored = localStorage.getItem("weir-theme");
  if (stored) root.dataset.theme = stored;
  addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme").addEventListener("click", () => {
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      localStorage.setItem("weir-theme", root.dataset.theme);
    });
  });
})();
