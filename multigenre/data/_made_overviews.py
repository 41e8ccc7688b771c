"""Words of made films: phrases by genre, and sentences to set them in."""

from collections.abc import Sequence

import numpy as np

# People, aims and matters that tell of a genre; the key "" holds those that tell of none.
PHRASES = {
    "": (
        "a quiet teacher|a nosy neighbour|a tired postman|an ambitious cook|a shy librarian"
        "|a retired engineer|a young carpenter|a distant cousin|a stubborn farmer|a travelling salesman",
        "sell the house on the hill|start over|keep a promise|repair an old boat|run the village shop"
        "|find a way home|finish what was begun|leave the city|make the long journey north",
        "an unexpected letter|a long winter|a change of plan|a visitor from abroad|a missed train"
        "|an old photograph|a closed bridge|a new job|a power cut|a strange offer",
    ),
    "Action": (
        "a former commando|an elite mercenary|a reckless stunt driver|a lone bodyguard"
        "|a special forces veteran",
        "stop a convoy of armed raiders|fight through the burning tower|rescue the hostages"
        "|disarm the bomb|outrun a private army",
        "a high-speed chase|an explosion at the docks|a brutal ambush|a stolen warhead|a rooftop gunfight",
    ),
    "Comedy": (
        "a hapless best man|a clueless roommate|a bumbling waiter|a goofy substitute teacher"
        "|an awkward wedding singer",
        "crash the wildest party in town|fake a college degree|survive the in-laws"
        "|win an absurd bet|hide a runaway llama from the landlord",
        "a hilarious misunderstanding|a disastrous prank|a ridiculous disguise|an outrageous road trip"
        "|a very silly rumour",
    ),
    "Crime": (
        "a corrupt detective|a small-time thief|a mob accountant|a veteran police inspector"
        "|a smooth con artist",
        "rob the central bank|bring down a drug cartel|pull one last heist|catch a gang of smugglers"
        "|launder the syndicate's money",
        "a stolen shipment of diamonds|a gangland murder|a police informant|a botched robbery|a mafia boss",
    ),
    "Drama": (
        "a grieving widow|an estranged father|a struggling single mother|a dying painter|a lonely immigrant",
        "come to terms with a painful past|forgive a bitter betrayal|care for an ailing parent"
        "|overcome addiction|hold a broken marriage together",
        "the loss of a child|a devastating illness|a long-buried secret|a lifelong regret|a life in poverty",
    ),
    "Family": (
        "an orphan with a puppy|a brave little brother|a mischievous schoolboy|a kindly grandfather"
        "|a playful little sister",
        "save the summer camp|bring a lost puppy home|make this Christmas the best ever"
        "|befriend a talking bear|win the school fair",
        "a magical holiday|a children's treasure map|a birthday wish|a playground friendship|a clever puppy",
    ),
    "Fantasy": (
        "a young wizard|an exiled princess|a cursed knight|a wandering sorceress|a dragon rider",
        "break an ancient curse|find the enchanted sword|defeat the dark sorcerer"
        "|restore the fallen kingdom|tame the last dragon",
        "a hidden prophecy|a magic portal|an enchanted forest|a dragon's egg|a spell gone astray",
    ),
    "Music": (
        "a washed-up rock singer|a gifted young pianist|a jazz trumpeter|a garage drummer|a rising rap star",
        "record a first album|win the talent contest|reunite the band for one concert"
        "|play the sold-out arena|write a hit song",
        "a demo tape|a sold-out tour|a ruthless record label|a borrowed guitar|an unforgettable melody",
    ),
    "Mystery": (
        "an amateur sleuth|a puzzled archivist|a curious reporter|a private investigator"
        "|an insomniac novelist",
        "uncover who sent the coded notes|solve a decades-old disappearance|find out what the guests conceal"
        "|decipher the strange clues|explain the locked room",
        "a baffling disappearance|a missing witness|a cryptic clue|an unsolved riddle"
        "|a body nobody can identify",
    ),
    "Romance": (
        "a hopeless romantic|a bride-to-be|a charming bachelor|a childhood sweetheart"
        "|a newly divorced florist",
        "win back a lost love|fall in love again|choose between two suitors|propose before midnight"
        "|marry the girl next door",
        "a passionate affair|an unexpected kiss|a summer romance|a love letter|a wedding called off",
    ),
    "Sport": (
        "an aging boxer|a rookie quarterback|a disgraced football coach|a determined young runner"
        "|an underdog goalkeeper",
        "win the championship|qualify for the olympic team|get back in the ring"
        "|coach the worst team in the league|break the world record",
        "the final match of the season|a career-ending injury|a rival team|a title fight"
        "|a place on the national team",
    ),
    "Thriller": (
        "a paranoid analyst|a hunted witness|a kidnapped heiress|a rogue agent|an obsessed stalker",
        "expose a deadly conspiracy|escape a ruthless killer|survive until dawn"
        "|prove a frame-up before time runs out|trap the assassin",
        "a deadly game of cat and mouse|a political assassination|a terrifying phone call|a hostage crisis"
        "|a sinister cover-up",
    ),
}
PEOPLE, AIMS, MATTERS = range(3)

NAMES = "Alex|Ash|Billie|Charlie|Jo|Jude|Kim|Lou|Max|Mika|Noor|Quinn|Remy|Robin|Rowan|Sam|Sasha|Toni|Yuri"
PLACES = (
    "in a small coastal town|on the edge of the desert|in the big city|in a forgotten valley|near the border"
    "|on a remote island|in the suburbs|at an old hotel|in the mountains|down by the river"
)
MUST = "sets out to|has one week to|is forced to|decides to|struggles to|is asked to|agrees to|tries to"
UPSETS = "changes everything|stands in the way|makes matters worse|brings the past back|leaves no choice"
LASTLY = (
    "nothing will ever be the same|time is running short|no one can be trusted|the truth comes out"
    "|the whole town is watching"
)

# The sentences of an overview, in order, and the slots that each of them fills.
OPENINGS = (
    "{people} named {name} {must} {aims} {place}, but {matters} {upsets}.",
    "{people} {must} {aims}, until {matters} {upsets}.",
    "after {matters}, {people} {must} {aims} {place}.",
    "{place}, {people} named {name} {must} {aims} despite {matters}.",
    "{people}, {matters} and one chance to {aims}.",
)
TURNS = (
    "as if {matters} were not enough, {name} has to {aims}.",
    "soon {matters} {upsets}, and someone will have to {aims} before {lastly}.",
    "then comes {matters}, and the only way out is to {aims}.",
)
ENDINGS = (
    "helped by {people}, {name} must face {matters} as {lastly}.",
    "meanwhile {people} arrives with {matters}, and {lastly}.",
)
SLOTS = ((PEOPLE, AIMS, MATTERS), (AIMS, MATTERS), (PEOPLE, MATTERS))


def write_overview(shown: Sequence[str] | np.ndarray, rng: np.random.Generator) -> str:
    """Write a plot of one to three sentences.

    Parameters
    ----------
    shown : sequence of str
        The genres that phrases tell of, at least once each, up to seven of them; other phrases are neutral.
    rng : numpy.random.Generator

    Returns
    -------
    str
        About 25 words, at most 70.

    Examples
    --------
    >>> import numpy as np
    >>> write_overview(["Sport"], np.random.default_rng(1))
    'An underdog goalkeeper, a career-ending injury and one chance to keep a promise.'
    """

    def pick(options):
        options = options.split("|")
        return options[rng.integers(len(options))]

    n_sentences = rng.choice((1, 2, 3), p=(0.6, 0.3, 0.1))
    while n_sentences < 3 and sum(map(len, SLOTS[:n_sentences])) < len(shown):
        n_sentences += 1
    name = pick(NAMES)
    free = rng.permutation(sum(map(len, SLOTS[:n_sentences])))
    told = dict(zip(free, [*rng.permutation(shown), *shown[: int(rng.integers(3))]], strict=False))

    sentences, slot = [], 0
    for frames, kinds in zip((OPENINGS, TURNS, ENDINGS)[:n_sentences], SLOTS, strict=False):
        words = {}
        for kind in kinds:
            words[("people", "aims", "matters")[kind]] = pick(PHRASES[told.get(slot, "")][kind])
            slot += 1
        sentence = frames[rng.integers(len(frames))].format(
            **words, name=name, must=pick(MUST), place=pick(PLACES), upsets=pick(UPSETS), lastly=pick(LASTLY)
        )
        sentences.append(sentence[0].upper() + sentence[1:])
    return " ".join(sentences)
