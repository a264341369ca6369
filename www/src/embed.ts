// The page within another one, such as a blog post: `?embed` shows the map and the terminal alone,
// with a link to the whole page.

import { element } from "./dom.ts";

export const isEmbedded = new URLSearchParams(location.search).has("embed");

/** Leaves out what an embedded page does not show. */
export function embed(): void {
  if (!isEmbedded) return;
  document.body.dataset.embed = "";
  const link = element<HTMLAnchorElement>("#whole");
  link.hidden = false;
  // The address changes with the steps of a lesson: the link leads to the current one.
  const follow = () => {
    link.href = location.pathname + location.hash;
  };
  for (const event of ["pointerdown", "focus"]) link.addEventListener(event, follow);
  follow();
}
