// Styles to choose from, as radio buttons with pictures.

/**
 * Fills a group of radio buttons.
 * @param {HTMLElement} group
 * @param {string} name Of the radio buttons.
 * @param {{name: string, thumbnail: string}[]} styles
 * @param {number} chosen Index of the first choice.
 */
export function fill(group, name, styles, chosen) {
  group.replaceChildren(
    ...styles.map((style, index) => {
      const label = document.createElement("label");
      const input = Object.assign(document.createElement("input"), {
        type: "radio", name, value: String(index), checked: index === chosen,
      });
      const image = Object.assign(document.createElement("img"), {
        src: style.thumbnail, alt: "", width: 192, height: 192, loading: "lazy", draggable: false,
      });
      const caption = Object.assign(document.createElement("span"), { textContent: title(style.name) });
      label.append(input, image, caption);
      return label;
    }),
  );
}

/** Returns a style's name as a title. */
export function title(name) {
  const spaced = name.replaceAll(/[_-]+/g, " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}
