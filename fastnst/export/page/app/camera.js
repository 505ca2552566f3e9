// A dialog that takes a photo with the camera.

export class Camera {
  /**
   * @param {HTMLDialogElement} dialog
   * @param {(photo: Blob) => void} taken Receives the photo.
   * @param {(reason: string) => void} failed Receives the reason why there is none.
   */
  constructor(dialog, taken, failed) {
    Object.assign(this, { dialog, failed, stream: null, facing: "user" });
    this.video = dialog.querySelector("video");
    const [take, turn, close] = dialog.querySelectorAll("button");
    take.addEventListener("click", async () => {
      const photo = await this.#frame();
      dialog.close();
      taken(photo);
    });
    turn.addEventListener("click", () => {
      this.facing = this.facing === "user" ? "environment" : "user";
      this.#start();
    });
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => this.#stop());
    this.take = take;
    this.turn = turn;
  }

  /** Whether the browser lets this page use a camera. */
  static get available() {
    return Boolean(navigator.mediaDevices?.getUserMedia);
  }

  async open() {
    this.dialog.showModal();
    await this.#start();
  }

  async #start() {
    this.#stop();
    this.take.disabled = true;
    try {
      const video = { facingMode: this.facing, width: { ideal: 1920 }, height: { ideal: 1080 } };
      const stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
      this.stream = stream;
      if (!this.dialog.open) return this.#stop();
      this.video.srcObject = stream;
      await this.video.play();
      const devices = await navigator.mediaDevices.enumerateDevices();
      this.turn.hidden = devices.filter(({ kind }) => kind === "videoinput").length < 2;
      this.take.disabled = false;
      this.take.focus();
    } catch (error) {
      if (!this.dialog.open) return;
      this.dialog.close();
      this.failed(
        error.name === "NotAllowedError"
          ? "The camera is blocked. Allow it for this page in the browser's settings, or choose a photo."
          : "No camera can be used. Choose a photo instead.",
      );
    }
  }

  #stop() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
  }

  #frame() {
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: this.video.videoWidth, height: this.video.videoHeight });
    canvas.getContext("2d").drawImage(this.video, 0, 0);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }
}
