import pytest

from multigenre._checks import InputError
from multigenre.data import Films
from multigenre.members import OverviewTfidf, has_modality, member_probabilities, role_of


@pytest.fixture(scope="module")
def member(train):
    return OverviewTfidf(C=3.0).fit(train)


def known_role(films, member):
    return role_of(films, member.learned_ids_, member.name)


def test_films_that_trained_a_member_are_known_whatever_they_are_called(member, train, test_films):
    assert known_role(train, member) == known_role(train.with_role(None), member) == "train"
    mixed = Films([train.ids[0], "new"], ["", ""], ["", ""])
    assert known_role(mixed, member) == "train" and member.predict(mixed).role == "train"
    assert known_role(test_films, member) == "test" and known_role(test_films.with_role(None), member) is None
    with pytest.raises(
        InputError, match=r"^80 of the test films \(.*\) were train films of overview-tfidf; use"
    ):
        member.predict(train.with_role("test"))


def test_films_that_chose_a_members_epoch_are_known_whatever_they_are_called(train, test_films):
    member = OverviewTfidf(C=3.0).fit(train)
    member.learned_ids_["validation"] = tuple(test_films.ids)
    assert known_role(test_films.with_role(None), member) == known_role(
        test_films.with_role("validation"), member
    )
    assert known_role(test_films.with_role(None), member) == "validation"
    assert (
        known_role(test_films.with_role("train"), member) == "train"
    )  # says more than is so: nobody reports these
    with pytest.raises(InputError, match="40 of the calibration films .* were validation films"):
        known_role(test_films.with_role("calibration"), member)
    with pytest.raises(InputError, match="80 of the validation films .* were train films"):
        known_role(train.with_role("validation"), member)


def test_a_film_without_overview_that_a_member_never_read_keeps_its_role(member):
    assert known_role(Films(["new"], [""], [""], role="test"), member) == "test"


def test_which_films_have_what_a_member_reads(member):
    films = Films(["a", "b"], ["x", ""], ["", "b.jpg"])
    assert has_modality(member, films).tolist() == [True, False]
    poster = OverviewTfidf("poster-something")
    poster.modality = "poster"
    assert has_modality(poster, films).tolist() == [False, True]


def test_a_member_of_neither_modality_says_itself_which_films_it_knows(member):
    films = Films(["a", "b"], ["x", ""], ["", "b.jpg"])
    given = OverviewTfidf("given")
    given.modality, given.knows = "given", lambda films: films.ids == "b"
    assert has_modality(given, films).tolist() == [False, True]


def test_a_member_that_fails_is_left_out_and_named_but_not_if_it_is_the_only_one(member, test_films, caplog):
    unfitted = OverviewTfidf("unfitted")
    [found] = member_probabilities({"unfitted": unfitted, member.name: member}, test_films)
    assert found.name == member.name
    assert caplog.messages == ["unfitted failed and is left out of this prediction."]
    with pytest.raises(RuntimeError, match="^Every member failed: unfitted.$"):
        member_probabilities({"unfitted": unfitted}, test_films)


def test_films_that_a_member_refuses_are_an_error_not_a_failure(member, train):
    with pytest.raises(InputError, match="were train films"):
        member_probabilities({member.name: member}, train.with_role("test"))
