"""The pictures of an answer as parts of a page: in its colours, light or dark, and told to who does not see them."""

from multigenre._inline_svg import inline_svg
from multigenre.app_answers import left_out_sentences
from multigenre.app_figures import contribution_bars, left_out_bars, probability_bars, shown_genres

# The colours that `inline_svg` names, as Gradio's light and dark pages have them.
STYLE = """<style>
.picture { --ink: var(--body-text-color); --right: color-mix(in srgb, var(--ink) 75%, transparent);
  --paper: transparent; --several: #8a8a8a; --wrong: var(--border-color-primary);
  --m1: #0072b2; --m2: #d55e00; --m3: #007a59; overflow-x: auto }
.dark .picture { --m1: #4aa8e0; --m2: #f08a45; --m3: #2fc198 }
.picture svg { display: block; width: 100%; height: auto; color: var(--ink); fill: currentColor }
.picture text { white-space: pre }
</style>"""


def pictures(found):
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


def told_probabilities(found, genres):
    """Return in words what the fusion and each member say of genres, and which of them each would name."""
    parts = []
    for name, rows in found.probabilities.groupby("contender", sort=False):
        rows = rows.set_index("genre").loc[genres]
        if rows["probability"].isna().all():
            parts.append(f"{name}: nothing to read.")
            continue
        said = [
            f"{genre} {row.probability:.2f}{', named' if row.named else ''}"
            for genre, row in zip(genres, rows.itertuples(), strict=True)
        ]
        parts.append(f"{name}: {'; '.join(said)}.")
    return f"Probabilities of {len(genres)} genres. {' '.join(parts)}"


def told_left_out(found):
    """Return in words which genres come and go when something is left out."""
    said = left_out_sentences(found.left_out) or ["There is nothing to leave out."]
    return f"What the fusion would say with less. {' '.join(said)}"


def told_contributions(found, genres):
    """Return in words what each member argued for, of the genres that are named, else of the most probable one."""
    parts = []
    for genre in found.genres or genres[:1]:
        rows = found.contributions[found.contributions["genre"] == genre]
        rows = rows[rows["contribution"].notna()]
        said = [f"{row.member} {row.contribution:+.1f}" for row in rows.itertuples()]
        parts.append(f"{genre}: {', '.join(said)}.")
    return f"What each member argued for, in log-odds. {' '.join(parts)}"
