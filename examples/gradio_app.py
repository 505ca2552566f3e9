"""A page for the browser, made with Gradio: photo, style, strength and colors.

pip install fastnst gradio
python examples/gradio_app.py --model gallery
"""

from __future__ import annotations

import argparse

import gradio as gr
import numpy as np

import fastnst
from fastnst import errors


def make_page(model: str) -> gr.Blocks:
    """Makes the page.

    Args:
        model: Name of a model, or its path.
    """
    stylizer = fastnst.load(model)

    def stylize(
        photo: np.ndarray | None, style: str, strength: float, original_colors: bool
    ) -> np.ndarray | None:
        """Returns the picture, uint8 RGB [H, W, 3], of the photo's size."""
        if photo is None:
            return None
        colors = "photo" if original_colors else "style"
        try:
            return stylizer(photo, style, strength, colors=colors)
        except errors.UserError as error:
            # For example, a photo that is too small.
            raise gr.Error(str(error)) from None

    with gr.Blocks(title="fastnst") as page:
        gr.Markdown(f"# Paint a photo\n\nBy `{stylizer.name}`, a network trained with fastnst.")
        with gr.Row():
            photo = gr.Image(label="Photo", image_mode="RGB", height=440)
            picture = gr.Image(label="Picture", format="png", height=440, interactive=False)
        with gr.Row():
            style = gr.Dropdown(list(stylizer.styles), value=stylizer.styles[0], label="Style")
            strength = gr.Slider(0.0, 1.5, value=1.0, step=0.05, label="Strength")
            colors = gr.Checkbox(label="Original colors")
        button = gr.Button("Paint", variant="primary")
        button.click(stylize, [photo, style, strength, colors], picture, api_name="stylize")
    return page


def main() -> None:
    """Serves the page."""
    parser = argparse.ArgumentParser(description="Serve a page that stylizes photos.")
    parser.add_argument("--model", default="gallery", help="name or path (default: gallery)")
    parser.add_argument("--port", type=int, help="(default: the first free one from 7860)")
    arguments = parser.parse_args()
    make_page(arguments.model).launch(server_port=arguments.port)


if __name__ == "__main__":
    main()
