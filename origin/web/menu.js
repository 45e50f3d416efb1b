// A small menu of choices that opens above its button.

import { element } from "./format.js";

export function choiceMenu(root, onChoose) {
  const [button, list] = [root.querySelector("button"), root.querySelector(".choices")];
  let choices = [];
  let chosen;
  let fixedCaption;

  const open = (yes) => {
    list.hidden = !yes;
    button.setAttribute("aria-expanded", String(yes));
    if (yes) list.querySelector('[aria-checked="true"]')?.focus();
  };
  const draw = () => {
    list.replaceChildren(...choices.map((choice) => {
      const item = element("button", { type: "button" }, choice.label);
      if (choice.hint) item.append(element("small", {}, choice.hint));
      item.setAttribute("role", "menuitemradio");
      item.setAttribute("aria-checked", String(choice.value === chosen));
      item.addEventListener("click", (event) => {
        event.stopPropagation();
        onChoose(choice.value);
        menu.choose(choice.value);
        open(false);
        button.focus();
      });
      return item;
    }));
    button.textContent = fixedCaption ?? choices.find((choice) => choice.value === chosen)?.label ?? button.textContent;
  };
  button.addEventListener("click", (event) => { event.stopPropagation(); open(list.hidden); });
  document.addEventListener("click", () => open(false));
  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { open(false); button.focus(); }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    event.stopPropagation();
    const items = [...list.children];
    const step = event.key === "ArrowDown" ? 1 : -1;
    items[(items.indexOf(document.activeElement) + step + items.length) % items.length]?.focus();
  });

  const menu = {
    show(all, value, caption) { choices = all; chosen = value; fixedCaption = caption; draw(); },
    choose(value) { chosen = value; draw(); },
    caption(text) { button.textContent = text; },
  };
  return menu;
}
