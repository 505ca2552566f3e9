// The picture, with a divider between before and after.

export class Viewer {
  /** @param {HTMLElement} figure Holds both canvases, the divider and its slider. */
  constructor(figure) {
    this.figure = figure;
    [this.before, this.after] = figure.querySelectorAll("canvas");
    this.slider = figure.querySelector("input");
    this.slider.addEventListener("input", () => this.#split(this.slider.valueAsNumber));
  }

  /** Shows a photo that is not painted yet. */
  showPhoto(bitmap) {
    draw(this.before, bitmap.width, bitmap.height, (context) => context.drawImage(bitmap, 0, 0));
    this.after.width = this.after.height = 0;
    this.figure.classList.remove("painted");
    this.slider.disabled = true;
    this.#fit(bitmap);
  }

  /** Shows a painted photo. */
  showPicture(photo, picture) {
    for (const [canvas, pixels] of [[this.before, photo], [this.after, picture]]) {
      draw(canvas, pixels.width, pixels.height, (context) => context.putImageData(pixels, 0, 0));
    }
    this.figure.classList.add("painted");
    this.slider.disabled = false;
    this.#fit(picture);
    this.#split(this.slider.valueAsNumber);
  }

  /** Returns the picture as a PNG file. */
  png() {
    return new Promise((resolve) => this.after.toBlob(resolve, "image/png"));
  }

  #fit({ width, height }) {
    this.figure.style.setProperty("--ratio", width / height);
  }

  #split(percent) {
    this.figure.style.setProperty("--split", `${percent}%`);
    this.slider.setAttribute("aria-valuetext", `${percent}% photo, ${100 - percent}% picture`);
  }
}

function draw(canvas, width, height, paint) {
  Object.assign(canvas, { width, height });
  paint(canvas.getContext("2d"));
}
