"""A page in the browser: drop a poster, type an overview, and see which genres an ensemble reads, and why."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from html import escape
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pandas as pd

from multigenre._checks import InputError
from multigenre.analysis import word_influence
from multigenre.data import Films
from multigenre.views._app_answers import film_answer, left_out_sentences, marked_words
from multigenre.views._app_figures import contribution_bars, left_out_bars, probability_bars, shown_genres
from multigenre.views._drawing import inline_svg

if TYPE_CHECKING:
    import gradio as gr  # pyright: ignore[reportMissingImports]
    import numpy as np

    from multigenre._signatures import Pathlike
    from multigenre.ensemble import GenreEnsemble
    from multigenre.views._app_answers import FilmAnswer


# The colours that `inline_svg` names, as Gradio's light and dark pages have them.
STYLE = """<style>
.picture { --ink: var(--body-text-color); --right: color-mix(in srgb, var(--ink) 75%, transparent);
  --paper: transparent; --several: #8a8a8a; --wrong: var(--border-color-primary);
  --m1: #0072b2; --m2: #d55e00; --m3: #007a59; overflow-x: auto }
.dark .picture { --m1: #4aa8e0; --m2: #f08a45; --m3: #2fc198 }
.picture svg { display: block; width: 100%; height: auto; color: var(--ink); fill: currentColor }
.picture text { white-space: pre }
</style>"""

LONGEST = 5000  # characters of an overview: each of its words costs a prediction
LARGEST = "20mb"  # of a poster's file
KEPT = 3600  # seconds that an uploaded poster is kept
LOCAL = ("127.0.0.1", "localhost", "::1")
NO_WORDS = "<p>There is no overview to read.</p>"
TABLES = ("probabilities", "left_out", "contributions")


def pictures(found: FilmAnswer) -> tuple[str, ...]:
    """Return the three pictures of an answer in HTML: who says what, what is left without one, and why.

    Parameters
    ----------
    found : FilmAnswer

    Returns
    -------
    tuple of str
    """
    genres = shown_genres(found.probabilities)
    figures = (
        probability_bars(found.probabilities, genres),
        left_out_bars(found.left_out, found.probabilities, genres),
        contribution_bars(found.contributions, found.probabilities, genres),
    )
    told = told_probabilities(found, genres), told_left_out(found), told_contributions(found, genres)
    names = ("who", "without", "why")
    return tuple(
        f'<div class="picture">{inline_svg(figure, name, label)}</div>'
        for figure, name, label in zip(figures, names, told, strict=True)
    )


def told_probabilities(found: FilmAnswer, genres: Sequence[str]) -> str:
    """Return in words what the fusion and each member say of genres, and which of them each would name."""
    parts = []
    for name, rows in found.probabilities.groupby("contender", sort=False):
        rows = rows.set_index("genre").loc[list(genres)]
        if rows["probability"].isna().all():
            parts.append(f"{name}: nothing to read.")
            continue
        said = [
            f"{genre} {row.probability:.2f}{', named' if row.named else ''}"
            for genre, row in zip(genres, rows.itertuples(), strict=True)
        ]
        parts.append(f"{name}: {'; '.join(said)}.")
    return f"Probabilities of {len(genres)} genres. {' '.join(parts)}"


def told_left_out(found: FilmAnswer) -> str:
    """Return in words which genres come and go when something is left out."""
    said = left_out_sentences(found.left_out) or ["There is nothing to leave out."]
    return f"What the fusion would say with less. {' '.join(said)}"


def told_contributions(found: FilmAnswer, genres: Sequence[str]) -> str:
    """Return in words what each member argued for, of the genres that are named, else of the most probable one."""
    parts = []
    for genre in found.genres or genres[:1]:
        rows = found.contributions[found.contributions["genre"] == genre]
        rows = rows[rows["contribution"].notna()]
        said = [f"{row.member} {row.contribution:+.1f}" for row in rows.itertuples()]
        parts.append(f"{genre}: {', '.join(said)}.")
    return f"What each member argued for, in log-odds. {' '.join(parts)}"


def gradio() -> ModuleType:
    """Return the optional package.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        import gradio  # noqa: PLC0415  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise InputError("The app needs Gradio; install it with pip install 'multigenre[app]'.") from None
    return gradio


def answer(
    ensemble: GenreEnsemble, poster: Pathlike | np.ndarray | None, overview: str | None
) -> tuple[Any, ...]:
    """Return what the page shows of one film, in the order of its parts.

    Parameters
    ----------
    ensemble : GenreEnsemble
    poster, overview
        As for `one_film`.

    Returns
    -------
    tuple
        The answer and three pictures in HTML, three tables, the film, and the most probable genre. Where there is
        nothing to answer, the reason in HTML, and None for all the others.
    """
    try:
        found = film_answer(ensemble, poster, overview)
    except InputError as error:
        return f'<p role="alert"><b>{escape(str(error))}</b></p>', *(None,) * 8
    tables = (getattr(found, name).round(3) for name in TABLES)
    genre = shown_genres(found.probabilities, most=1)[0]
    return answer_html(found), *pictures(found), *tables, found.film, genre


def answer_html(found: FilmAnswer) -> str:
    """Return a `FilmAnswer`'s genres and sentences in HTML."""
    head = ", ".join(found.genres) or "No genre is named"
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in found.sentences[bool(found.genres) :])
    return f"<h2>{escape(head)}</h2><ul>{items}</ul>"


def read_words(
    ensemble: GenreEnsemble, film: Films | None, genre: str | None
) -> tuple[pd.DataFrame | None, str]:
    """Return which words of a film's overview moved which genre, and `words` of it.

    Each word is left out in turn, which costs a prediction a word, for all genres at once.

    Parameters
    ----------
    ensemble : GenreEnsemble
    film : Films or None
        One film.
    genre : str or None

    Returns
    -------
    table : DataFrame or None
        As `multigenre.analysis.word_influence`; None where there is no overview that a member reads.
    html : str
    """
    table = None
    reading = any(member.modality == "overview" for member in ensemble.members_.values())
    if film is not None and reading and film.has_overview[0]:
        options = {"fusion": ensemble.fusion_, "prevalence": ensemble.prevalence_}
        table = word_influence(ensemble.members_, film, **options)
    return table, words(table, genre)


def words(table: pd.DataFrame | None, genre: str | None) -> str:
    """Return the overview in HTML, with the words that moved a genre marked.

    Parameters
    ----------
    table : DataFrame or None
        As `read_words` gives it.
    genre : str or None

    Returns
    -------
    str
    """
    if table is None or genre is None:
        return NO_WORDS
    return words_html(marked_words(table, genre), genre)


def words_html(marked: list[tuple[str, float]], genre: str) -> str:
    """Return words in HTML: blue speaks for a genre, orange and underlined against it, the fuller the more.

    Parameters
    ----------
    marked : list of (str, float)
        As `marked_words` gives it.
    genre : str

    Returns
    -------
    str
    """
    most = max((abs(change) for _, change in marked), default=0) or 1
    parts = []
    for word, change in marked:
        blue, red = (
            f"rgba(0, 114, 178, {0.6 * change / most:.2f})",
            f"rgba(230, 159, 0, {-0.8 * change / most:.2f})",
        )
        style = (
            f"background: {blue}" if change >= 0 else f"background: {red}; text-decoration: underline dotted"
        )
        parts.append(f'<span style="{style}" title="{change:+.2f}">{escape(word)}</span>')
    strongest = sorted(marked, key=lambda pair: -abs(pair[1]))[:8]
    items = "".join(f"<li>{escape(word)} {change:+.2f}</li>" for word, change in strongest if change)
    return (
        f"<p>What the fused log-odds of <b>{escape(genre)}</b> lose without each word. Blue speaks for it, orange and "
        f'underlined against it.</p><p style="line-height: 1.9">{" ".join(parts)}</p>'
        f"<p>The strongest:</p><ul>{items}</ul>"
    )


def build(ensemble: GenreEnsemble, *, title: str = "multigenre") -> gr.Blocks:
    """Return the page, a `gradio.Blocks`.

    Parameters
    ----------
    ensemble : GenreEnsemble
        Fitted or loaded.
    title : str

    Raises
    ------
    InputError
        If Gradio is not installed.
    """
    gr = gradio()
    genres = list(ensemble.genres_)
    with gr.Blocks(title=title, analytics_enabled=False, delete_cache=(KEPT, KEPT), fill_width=True) as page:
        gr.HTML(f"{STYLE}<h1>{escape(title)}</h1>")
        with gr.Row():
            with gr.Column(scale=1):
                poster = gr.Image(
                    type="filepath", label="Poster", sources=["upload", "clipboard"], height=320
                )
                # The members read the file itself, as `predict` does; what cannot be read is said in the answer.
                poster.preprocess = lambda image: image and image.path
                overview = gr.Textbox(label="Overview", lines=6, max_lines=14, max_length=LONGEST)
                button = gr.Button("Read the genres", variant="primary")
                gr.HTML("<p>A film that taught this bundle gets a surer answer than it deserves.</p>")
            with gr.Column(scale=2):
                said = gr.HTML("<p>Give a poster, an overview, or both.</p>")
                with gr.Tab("Who says what"):
                    bars = gr.HTML()
                with gr.Tab("One left out"):
                    without = gr.HTML()
                with gr.Tab("Why: members"):
                    shares = gr.HTML()
                with gr.Tab("Why: words"):
                    genre = gr.Dropdown(genres, value=genres[0], label="Genre")
                    marked = gr.HTML(NO_WORDS)
                with gr.Tab("Tables"):
                    labels = ("Probabilities", "Left out", "Contributions, in log-odds")
                    tables = [gr.Dataframe(label=label, interactive=False) for label in labels]
        film, moved = gr.State(), gr.State()
        # One question at a time: the networks are not asked by two threads at once.
        one = {"concurrency_limit": 1, "concurrency_id": "ensemble"}
        shown = button.click(
            partial(answer, ensemble),
            [poster, overview],
            [said, bars, without, shares, *tables, film, genre],
            api_name="answer",
            **one,
        )
        shown.then(partial(read_words, ensemble), [film, genre], [moved, marked], api_name="words", **one)
        # Another genre is another part of the same table, so nothing is predicted again.
        genre.input(words, [moved, genre], marked, api_visibility="private")
    return page


def serve(
    ensemble: GenreEnsemble,
    *,
    title: str = "multigenre",
    host: str = "127.0.0.1",
    port: int = 7860,
    share: bool = False,
) -> tuple[gr.Blocks, str]:
    """Open the page to browsers.

    Parameters
    ----------
    ensemble : GenreEnsemble
    title : str
    host : str
        Who may reach it; the default is this machine alone. There is no password.
    port : int
    share : bool
        Also through a tunnel of Gradio's, to all who know its address.

    Returns
    -------
    page : gradio.Blocks
        ``page.close()`` ends it.
    url : str

    Raises
    ------
    InputError
        If Gradio is not installed, or the port is taken.
    """
    page = build(ensemble, title=title)
    options = {"max_file_size": LARGEST, "ssr_mode": False, "quiet": True, "footer_links": []}
    try:
        _, url, shared = page.launch(
            server_name=host, server_port=port, share=share, prevent_thread_lock=True, **options
        )
    except OSError as error:
        raise InputError(f"Nothing can listen at {host}, port {port} ({error}); give another one.") from error
    return page, shared or url
