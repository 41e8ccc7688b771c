"""`Prediction`: what an ensemble says about some films, by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import pandas as pd

from multigenre.data import GenreProbabilities


@dataclass(frozen=True)
class Prediction:
    """What an ensemble says about some films.

    Parameters
    ----------
    fused : GenreProbabilities
    members : tuple of GenreProbabilities
        NaN for films that a member could not read.
    labels : DataFrame of uint8, indexed by film id, one column a genre
        1 where the fused probability reaches the genre's threshold.
    """

    fused: GenreProbabilities
    members: tuple[GenreProbabilities, ...]
    labels: pd.DataFrame

    def genre_names(self) -> list[tuple[str, ...]]:
        """Return the named genres of each film, a list of tuples of str."""
        return self.fused.genres.decode(self.labels.to_numpy())

    def to_frame(self, *, with_members: bool = False) -> pd.DataFrame:
        """Return one row a film: ``Id``, ``genres`` (joined by ``|``), then the fused probability of each genre.

        Parameters
        ----------
        with_members : bool
            Add each member's probabilities, in columns named ``MEMBER:GENRE``.
        """
        parts = [self.fused.to_frame()]
        if with_members:
            parts += [member.to_frame().add_prefix(f"{member.name}:") for member in self.members]
        table = pd.concat(parts, axis=1)
        table.insert(0, "genres", ["|".join(names) for names in self.genre_names()])
        return table.reset_index()

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """Return one prediction of the films of several, in their order; all by the same members.

        A member that is missing in one part is not present for that part's films.
        """
        members = {}
        for part in parts:
            members |= {member.name: member for member in part.members}
        columns = [
            GenreProbabilities.concatenate(
                [next((m for m in part.members if m.name == name), part.fused.absent(name)) for part in parts]
            )
            for name in members
        ]
        return cls(
            GenreProbabilities.concatenate([part.fused for part in parts]),
            tuple(columns),
            pd.concat([part.labels for part in parts]),
        )
