"""The page of a report in a real browser, opened from disk: it works, asks for nothing, and is usable by all."""

import shutil

import pytest
from report_films import HOSTILE, hostile_films, quick_ensemble

from multigenre.views import report

playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: install multigenre[test]")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-playwright-python")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    films = hostile_films(tmp_path_factory.mktemp("posters"))
    path = tmp_path_factory.mktemp("report") / "report.html"
    report(quick_ensemble(films), films, path)
    return path.as_uri()


@pytest.fixture(scope="module")
def browser():
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on the path")
    with playwright.sync_playwright() as driver:
        # A container's root has no sandbox; the page is our own.
        one = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield one
        one.close()


@pytest.fixture(scope="module")
def tab(browser):
    """One tab for all tests, with what it said and asked for."""
    page = browser.new_page(viewport=WIDE, reduced_motion="reduce")
    page.heard, page.asked = [], []
    page.on("console", lambda message: page.heard.append(message.text))
    page.on("pageerror", lambda error: page.heard.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    yield page
    page.close()


@pytest.fixture
def page(tab, address):
    """The page as it is first seen, in the tab."""
    tab.set_viewport_size(WIDE)
    tab.goto("about:blank")  # or an address that ends otherwise would not be read again
    tab.goto(address)
    return tab


def column(page, number):
    """What the cells of a column of the genres' table are sorted by."""
    key = "rows => rows.map(row => row.cells[%d].dataset.key ?? row.cells[%d].textContent.trim())"
    return page.eval_on_selector_all("#genres table.sortable tbody tr", key % (number, number))


def test_the_gallery_is_filtered_by_genre_and_outcome(page):
    every, shown = page.locator(".card").count(), page.locator(".card:not([hidden])")
    page.select_option("#filter-outcome", "wrong")
    wrong = shown.count()
    assert 0 < wrong < every and page.inner_text("#shown") == f"{min(12, wrong)} of {wrong} films shown"
    page.select_option("#filter-genre", label="Comedy")
    number = page.input_value("#filter-genre")
    assert 0 < shown.count() <= wrong
    assert all(f"{number}:wrong" in one.get_attribute("data-pairs").split() for one in shown.all())
    hidden = page.locator(".card[hidden]")
    assert not any(f"{number}:wrong" in one.get_attribute("data-pairs").split() for one in hidden.all())
    page.click("#filter-clear")
    assert shown.count() == every


def test_a_dozen_films_is_shown_then_more_by_the_keyboard_and_all_on_paper(page):
    every, shown, more = (
        page.locator(".card").count(),
        page.locator(".card:visible"),
        page.locator("#show-more"),
    )
    assert shown.count() == 12 < every and page.inner_text("#shown") == f"12 of {every} films shown"
    more.press("Enter")
    assert shown.count() == 24 and page.locator(".card").nth(12).evaluate(
        "one => document.activeElement === one"
    )
    page.emulate_media(media="print")
    assert shown.count() == every and not more.is_visible()
    page.emulate_media(media="screen")
    while more.is_visible():
        more.press("Space")
    assert shown.count() == every and page.inner_text("#shown") == f"{every} of {every} films shown"
    page.click("#filter-clear")
    assert shown.count() == 12


def test_a_genre_leads_to_its_films(page):
    page.locator("details.genre summary").first.click()
    page.locator("button[data-genre]").first.click()
    genre = page.locator("details.genre .name").first.inner_text()
    assert page.locator("#filter-genre option:checked").inner_text() == genre
    assert page.evaluate("document.activeElement.id") == "filter-genre"


def test_a_table_is_sorted_by_a_heading_and_back(page):
    heading = page.locator("#genres table.sortable thead th").nth(1)
    supports = [int(support) for support in column(page, 1)]
    heading.locator("button").click()
    assert [int(one) for one in column(page, 1)] == sorted(supports, reverse=True)
    assert heading.get_attribute("aria-sort") == "descending"
    heading.locator("button").click()
    assert [int(one) for one in column(page, 1)] == sorted(supports)
    assert heading.get_attribute("aria-sort") == "ascending"


def test_all_of_it_works_by_keyboard(page):
    page.keyboard.press("Tab")
    assert page.inner_text(":focus") == "Skip to the findings"
    page.keyboard.press("Enter")
    assert page.url.endswith("#findings")
    page.locator("#genres thead button").first.focus()
    page.keyboard.press("Enter")
    names = column(page, 0)
    assert names == sorted(names, key=str.casefold)
    page.locator("details.genre summary").first.focus()
    page.keyboard.press("Space")
    assert page.locator("details.genre").first.get_attribute("open") is not None
    page.locator("#filter-outcome").focus()
    page.keyboard.press("ArrowDown")
    assert page.locator(".card[hidden]").count() > 0


def test_a_link_to_a_genre_opens_it(page):
    page.locator("#genres tbody th a").first.click()
    assert page.locator("details.genre[open]").count() == 1


def test_an_overview_with_html_in_it_is_shown_and_not_run(page):
    overviews = page.locator(".overview").all_inner_texts()
    assert any(HOSTILE in text for text in overviews)
    assert page.evaluate("typeof window.ran") == "undefined"
    assert page.locator(".overview script, .overview img").count() == 0


def test_words_are_marked_and_places_of_posters_are_on_demand(page):
    assert page.locator(".overview mark").count() > 0
    places, button = page.locator("svg.places"), page.locator("#show-places")
    assert places.count() > 0 and not places.first.is_visible()
    button.press("Enter")
    assert places.first.is_visible() and button.get_attribute("aria-pressed") == "true"
    button.press("Enter")
    assert not places.first.is_visible()


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_nothing_overflows_the_screen(page, size):
    page.set_viewport_size(size)
    page.click("#open-all")
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_rules_of_axe_hold(browser, address, scheme):
    # The page's own policy would refuse axe's script.
    with browser.new_context(viewport=NARROW, color_scheme=scheme, bypass_csp=True) as context:
        page = context.new_page()
        page.goto(address)
        # One of each kind will do: axe looks at every element.
        page.evaluate("document.querySelectorAll('details.genre').forEach((one, n) => { one.open = n < 1; })")
        page.evaluate("document.querySelectorAll('.card:nth-child(n + 5)').forEach(one => one.remove())")
        found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_nothing_was_complained_of_and_only_the_file_was_asked_for(page, address):
    assert page.heard == []
    asked = {url.partition("#")[0] for url in page.asked if not url.startswith("data:")}
    assert asked <= {address, "about:blank"} and address in asked
