"""The command line's ``app``."""

import time
from pathlib import Path
from typing import Annotated

import typer

import multigenre
from multigenre.terminal import console, quiet


def app(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Folder that 'multigenre train' wrote.")],
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the page listens.")] = 7860,
    host: Annotated[
        str,
        typer.Option(help="Who may reach it: this machine alone, or 0.0.0.0 for all who reach this machine."),
    ] = "127.0.0.1",
    share: Annotated[
        bool, typer.Option("--share", help="Also through a public address of Gradio's, for a week at most.")
    ] = False,
):
    """Open a page in the browser: drop a poster, type an overview, and see which genres BUNDLE reads, and why."""
    with quiet():
        face, ensemble_class = multigenre.app, multigenre.GenreEnsemble
    face.gradio()  # before the bundle loads, which takes seconds
    ensemble = ensemble_class.load(bundle)
    page, url = face.serve(ensemble, title=bundle.resolve().name, host=host, port=port, share=share)
    console.print(f"The page is at {url}; Ctrl+C ends it.", markup=False, highlight=False, soft_wrap=True)
    if share or host not in face.LOCAL:
        console.print("It has no password: whoever reaches it can ask.", style="yellow")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        page.close(verbose=False)
