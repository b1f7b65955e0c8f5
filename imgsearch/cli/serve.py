"""`imgsearch serve`: the gallery in a browser."""

from __future__ import annotations

import threading
import webbrowser
from typing import TYPE_CHECKING, Annotated

import typer

from imgsearch.cli.choose import chosen_model, embedder_maker, gallery_to_read
from imgsearch.cli.exit_codes import EXIT_INTERRUPTED
from imgsearch.cli.options import (
    PIXELS_PER_MEGAPIXEL,
    EngineName,
    EngineOption,
    GalleryOption,
    JsonOption,
    MaxMegapixelsOption,
    ModelOption,
    PrecisionName,
    PrecisionOption,
    QuietOption,
    WeightsOption,
)
from imgsearch.cli.output import json_path, print_error, print_json, print_line
from imgsearch.gallery.store import open_for_reading

if TYPE_CHECKING:
    from imgsearch.web.server import GalleryServer

_USUAL_PORT = 8765
_LAST_PORT = 65535


def serve(
    gallery: GalleryOption = None,
    model: ModelOption = None,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Where to listen.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=_LAST_PORT, help="0 takes any that is free.")
    ] = _USUAL_PORT,
    open_it: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    precision: PrecisionOption = PrecisionName.auto,
    engine: EngineOption = EngineName.auto,
    max_megapixels: MaxMegapixelsOption = 300,
    weights: WeightsOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show the gallery in a browser: look through it, and search by a click.

    Prints the page's address and goes on until Ctrl-C. Only this machine reaches the page, unless
    --host says otherwise; the page reads photos, and changes nothing.

    Example: imgsearch serve --open
    """
    chosen = chosen_model(model)
    with open_for_reading(gallery_to_read(gallery, chosen)) as store:
        folder, images = store.folder, store.catalog.image_count()
    from imgsearch.web.server import Address, serving  # loads what draws

    maker = embedder_maker(engine, precision, weights, chosen)
    limit = int(max_megapixels * PIXELS_PER_MEGAPIXEL)
    with serving(folder, maker, Address(host, port), max_pixels=limit) as server:
        if as_json:
            print_json({"url": server.url, **json_path(folder, "gallery"), "images": images})
        else:
            print_line(server.url)
        if not server.is_private:
            print_error(
                f"imgsearch: warning: everybody who reaches {host} over the network can see all"
                " photos of this gallery; there is no password"
            )
        if not quiet:
            print_error(f"imgsearch: {images:,} photos of {folder}; Ctrl-C ends it")
        _serve(server, open_it=open_it)


def _serve(server: GalleryServer, *, open_it: bool) -> None:
    if open_it:  # from elsewhere: a browser in this terminal would wait for the page, and we for it
        threading.Thread(target=_open, args=(server.url,), daemon=True).start()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print_error("imgsearch: the page is closed")
        raise typer.Exit(EXIT_INTERRUPTED) from None


def _open(url: str) -> None:
    if not webbrowser.open(url):
        print_error(f"imgsearch: there is no browser to open {url}")
