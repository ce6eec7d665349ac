/* A change of the page's language. What was typed survives that the screen is drawn anew. */

import { speak } from "./dom.js";

/**
 * Speaks another language, keeps the choice, and has everything drawn again.
 * @param {"en"|"uk"} code
 * @param {HTMLElement} root has the fields whose contents are to be kept
 * @param {() => Promise<void>} redraw resolves when the fields are there again
 * @param {string} key of localStorage
 */
export async function change(code, root, redraw, key) {
  await speak(code);
  save(key, code);
  const typed = fields(root);
  await redraw();
  fill(root, typed);
}

function save(key, code) {
  try {
    localStorage.setItem(key, code);
  } catch {
    // Storage is blocked or full: the choice lasts as long as the page.
  }
}

/* What is typed and chosen in the named fields of `root`. */
function fields(root) {
  const named = [...root.querySelectorAll("input[name], select[name], textarea[name]")];
  return named.map(({ name, type, value, checked }) => ({ name, type, value, checked }));
}

/* Puts it back into the fields of the same names, telling their listeners. */
function fill(root, found) {
  for (const { name, type, value, checked } of found) {
    const option = type === "radio" ? `[value="${CSS.escape(value)}"]` : "";
    const field = root.querySelector(`[name="${CSS.escape(name)}"]${option}`);
    if (!field || (field.value === value && field.checked === checked)) continue;
    if (type === "radio" || type === "checkbox") field.checked = checked;
    else field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
}
