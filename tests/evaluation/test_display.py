"""The event display: its data, and its page in a real browser."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("plotly", reason="needs the extra evaluate")

from matplotlib.image import imread

from calogan.calorimeter import Calorimeter
from calogan.errors import CaloganError, CalorimeterError, ConfigurationError
from calogan.evaluation.display import Choice, event_display, parse_events, show
from calogan.files import write_showers
from calogan.incident import Incident
from calogan.samples import read_sample
from calogan.showers import Showers
from tests.conftest import make_showers
from tests.evaluation.chromium import Browser, Tab, started

READY = "Promise.all(sources.map((source) => source.ready)).then(() => true)"
CAMERAS = "sources.map((source) => source.scene._fullLayout.scene._scene.getCamera().eye)"


def data_of(page: str) -> dict[str, Any]:
    """The showers that are inside a page."""
    found = re.search(
        r'<script id="showers" type="application/json">(.*?)</script>', page, re.DOTALL
    )
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def emptied(showers: Showers) -> Showers:
    return replace(showers, layers=tuple(np.zeros_like(layer) for layer in showers.layers))


def scattered(name: str, n: int) -> Showers:
    """Showers of a shipped calorimeter: deposits around the axis."""
    calorimeter = Calorimeter.load(name)
    rng = np.random.default_rng(1)
    m = 1000
    x, y = rng.normal(0, calorimeter.layers[0].half_extent_mm / 6, (2, n * m))
    z = calorimeter.depth_mm * (rng.beta(2, 4, n * m) - 0.5)
    event = np.repeat(np.arange(n), m)
    images, overflow = calorimeter.bin_deposits(
        event, np.stack([x, y, z], axis=1), rng.exponential(10, n * m), n
    )
    return Showers(Incident.create("e+", np.full(n, 10.0)), images, overflow, calorimeter)


@pytest.mark.parametrize(
    ("texts", "events"),
    [(["3"], (3,)), (["3,7-9"], (3, 7, 8, 9)), (["2", "0-1, 2"], (2, 0, 1)), ([], ())],
)
def test_numbers_of_events(texts: list[str], events: tuple[int, ...]) -> None:
    assert parse_events(texts) == events


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", "event 'x': give numbers"),
        ("-1", "event '-1': give numbers"),
        ("", "event '': give numbers"),
        ("9-7", "ends before it starts"),
        ("0-1000000000000", "at most 100 showers"),
    ],
)
def test_what_is_no_event(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        parse_events([text])


def test_choices_by_chance_and_energy() -> None:
    incident = Incident.create("e+", np.arange(1.0, 101.0))
    rng = np.random.default_rng
    assert Choice().choose(incident, "x", rng(0)) == (0,)
    assert Choice(min_energy_gev=60.5).choose(incident, "x", rng(0)) == (60,)
    chosen = Choice(random=5, min_energy_gev=90).choose(incident, "x", rng(0))
    assert len(set(chosen)) == 5
    assert min(chosen) >= 89
    assert chosen == Choice(random=5, min_energy_gev=90).choose(incident, "x", rng(0))
    assert chosen != Choice(random=5, min_energy_gev=90).choose(incident, "x", rng(1))
    for choice, message in (
        (Choice((100,)), "no event 100: x holds 100 showers, 0 to 99"),
        (Choice(min_energy_gev=200), "x holds no shower of at least 200 GeV: the highest is 100"),
        (Choice(random=20, min_energy_gev=90), "x holds 11 such showers, fewer than 20"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            choice.choose(incident, "x", rng(0))
    with pytest.raises(ConfigurationError, match="not by both"):
        Choice((1,), random=2)


def test_the_page_holds_every_cell(showers: Showers) -> None:
    """Numbers, energies and the calorimeter: what the page draws is what the shower is."""
    page = event_display({"one": showers, "two": showers[::-1]}, [5, 0])
    data = data_of(page)
    assert [source["name"] for source in data["sources"]] == ["one", "two"]
    event = data["sources"][0]["events"][0]
    cells = showers.cells[5]
    np.testing.assert_array_equal(event["cells"], np.flatnonzero(cells))
    np.testing.assert_allclose(event["mev"], cells[cells > 0], rtol=1e-6)
    assert event["number"] == 5
    assert event["what"] == f"e\N{SUPERSCRIPT PLUS SIGN}, {showers.incident.energy_gev[5]:.4g} GeV"
    assert event["overflow"] == pytest.approx(showers.overflow[5].sum(), rel=1e-6)
    last = data["sources"][1]["events"][1]
    np.testing.assert_array_equal(last["cells"], np.flatnonzero(showers.cells[-1]))
    low, high = data["scale"]
    assert high == pytest.approx(max(showers.cells[[5, 0, -1, -6]].ravel()))
    assert 10 <= high / low <= 1.001e5


def test_a_name_cannot_become_markup(showers: Showers) -> None:
    page = event_display({"</script><b>": showers}, 0)
    assert "</script><b>" not in page
    assert data_of(page)["sources"][0]["name"] == "</script><b>"


def test_the_page_asks_for_nothing(showers: Showers) -> None:
    page = event_display(showers)
    head = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"(src|href)=[\"']?(https?:|//)", head)
    assert len(page) < 6e6


def test_what_cannot_be_displayed(showers: Showers) -> None:
    other = scattered("ecal-hcal", 3)
    cases: list[tuple[Any, Any, type[CaloganError], str]] = [
        (showers, 200, ConfigurationError, "no event 200: the sample holds 200 showers, 0 to 199"),
        ({"a": showers, "b": showers[:2]}, 3, ConfigurationError, "no event 3: b holds 2 showers"),
        (showers[:0], 0, ConfigurationError, "the sample holds no showers"),
        (showers, [], ConfigurationError, "a page shows 1 to 100"),
        (dict.fromkeys("abc", showers), 0, ConfigurationError, "3 samples: "),
        ({"a": showers, "b": other}, 0, CalorimeterError, "b is of another calorimeter"),
    ]
    for sample, index, error, message in cases:
        with pytest.raises(error, match=message):
            event_display(sample, index)
    with pytest.raises(ConfigurationError, match="threshold"):
        event_display(showers, threshold_mev=math.nan)


def test_too_many_cells_start_with_the_brightest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calogan.evaluation.display.page._MOST_SOLIDS", 50)
    showers = make_showers(3)
    data = data_of(event_display(showers, 1))
    shown = np.count_nonzero(np.array(data["sources"][0]["events"][0]["mev"]) >= data["threshold"])
    assert shown == 50
    assert len(data["sources"][0]["events"][0]["cells"]) > 50


def test_another_file_gives_the_nearest_energies(tmp_path: Path, showers: Showers) -> None:
    other = make_showers(150, seed=3)
    write_showers(tmp_path / "a.h5", showers, {})
    write_showers(tmp_path / "b.h5", other, {})
    files = [str(tmp_path / "a.h5"), str(tmp_path / "b.h5")]
    page = tmp_path / "page.html"
    first, second = show(files, page, Choice((7, 30)))
    assert first == (7, 30)
    away = np.abs(np.log(other.incident.energy_gev / showers.incident.energy_gev[7]))
    assert second[0] == away.argmin()
    assert show(files, page, Choice((7,)), same_numbers=True)[1] == (7,)
    assert show([files[0], files[0]], page, Choice((7,)))[1] == (7,)
    with pytest.raises(ConfigurationError, match=r"no event 160: .*b\.h5 holds 150 showers"):
        show(files, page, Choice((160,)), same_numbers=True)


def test_a_simulator_gets_the_same_particles(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    shown = show(["calogan-eplus", "sample:eplus"], page, Choice((3, 5)), names=("fast", "full"))
    assert shown == [(), (3, 5)]
    data = data_of(page.read_text(encoding="utf-8"))
    fast, full = data["sources"]
    assert (fast["name"], full["name"]) == ("fast", "full")
    assert [e["energy_gev"] for e in fast["events"]] == [e["energy_gev"] for e in full["events"]]
    assert sum(fast["events"][0]["mev"]) == pytest.approx(31900, rel=0.2)
    assert fast["events"][0]["number"] is None
    again = tmp_path / "again.html"
    show(["calogan-eplus", "sample:eplus"], again, Choice((3, 5)), names=("fast", "full"))
    assert again.read_bytes() == page.read_bytes()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with started(tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    with browser.tab() as opened:
        yield opened


def opened(tab: Tab, page: str, folder: Path, width: int = 840, height: int = 560) -> None:
    """Open a page, and see that all of it works and nothing comes from elsewhere."""
    path = folder / "event.html"
    path.write_text(page, encoding="utf-8")
    tab.open(path, width, height)
    assert tab.evaluate(READY)
    assert tab.complaints == []
    foreign = [url for url in tab.requests if not url.startswith(("file:", "data:", "blob:"))]
    assert foreign == []


def box(tab: Tab, selector: str, number: int = 0) -> tuple[float, float, float, float]:
    """Left, top, width and height of an element, scrolled into view."""
    x, y, width, height = tab.evaluate(
        f"(() => {{ const e = document.querySelectorAll({selector!r})[{number}];"
        " e.scrollIntoView({ block: 'center', behavior: 'instant' });"
        " const b = e.getBoundingClientRect(); return [b.x, b.y, b.width, b.height]; })()"
    )
    return x, y, width, height


def coloured_pixels(tab: Tab) -> int:
    """Pixels of the first scene in the colours of cells: warmer than white, grey and ink."""
    left, top, width, height = box(tab, ".scene")
    scroll = tab.evaluate("scrollY")
    image = imread(BytesIO(tab.picture(left, top + scroll, width, height)))[..., :3]
    return int(np.count_nonzero(image[..., 0] - image[..., 1] > 0.06))


def test_two_sources_render_turn_and_answer(tab: Tab, tmp_path: Path) -> None:
    """The page of the docs: WebGL, linked cameras, a cell's energy under the pointer."""
    sample = read_sample("eplus")
    other = sample[np.arange(len(sample))[::-1]]
    opened(tab, event_display({"Geant4": sample, "other": other}, [3, 4]), tmp_path)

    # cells are drawn: all cells with energy, and pixels of them
    drawn = (
        "sources.map((s) => [...new Set(s.drawn.flatMap((t) => t.cells))].sort((a, b) => a - b))"
    )
    found = tab.evaluate(drawn)
    for cells, showers in zip(found, (sample, other), strict=True):
        np.testing.assert_array_equal(cells, np.flatnonzero(showers.cells[3]))
    shown = coloured_pixels(tab)
    tab.evaluate(f"state.threshold = 1e9; showAll(); {READY}")
    hidden = coloured_pixels(tab)
    tab.evaluate(f"state.threshold = 0; showAll(); {READY}")
    assert shown > hidden + 2000, (shown, hidden)

    # the mouse turns one scene, and the other follows
    before = tab.evaluate(CAMERAS)
    assert before[0] == before[1]
    left, top, width, height = box(tab, ".scene", 1)
    tab.drag((left + 0.3 * width, top + 0.85 * height), (120, -30))
    tab.wait(f"JSON.stringify({CAMERAS}[1]) !== {json.dumps(json.dumps(before[1]))!s}")
    tab.wait(
        "(() => { const [a, b] = " + CAMERAS + "; return !sources.some((s) => s.moving) &&"
        " Math.hypot(a.x - b.x, a.y - b.y, a.z - b.z) < 1e-6; })()",
        20,
    )
    after = tab.evaluate(CAMERAS)[0]
    assert math.dist(list(after.values()), list(before[0].values())) > 0.1
    tab.evaluate("$('reset').click()")
    tab.wait(f"Math.abs({CAMERAS}[1].x - {before[1]['x']}) < 1e-6")

    # a cell of the scene under the pointer
    left, top, width, height = box(tab, ".scene")
    for share in (0.5, 0.45, 0.55, 0.4):
        tab.mouse("Moved", left + share * width, top + 0.55 * height)
        tab.evaluate("new Promise((done) => setTimeout(done, 300))")
        if not tab.evaluate("$('tip').hidden"):
            break
    cell = tab.evaluate("state.marked")
    assert cell >= 0
    energies = [
        float(text.replace(",", ""))
        for text in re.findall(r"([\d,.]+) MeV", tab.evaluate("$('tip').textContent"))
    ]
    expected = [float(sample.cells[3, cell]), float(other.cells[3, cell])]
    assert energies == pytest.approx(expected, rel=1e-3)
    assert expected[0] > 0
    assert tab.complaints == []


def test_controls(tab: Tab, tmp_path: Path) -> None:
    """Threshold, layer and event; the map under the pointer, and what it says in words."""
    sample = read_sample("piplus")
    strongest = int(sample.layer_energies[:, 2].argmax())
    opened(tab, event_display(sample, [strongest, 0], threshold_mev=1.0), tmp_path)
    cells = sample.cells[strongest]
    count = "new Set(sources[0].drawn.flatMap((t) => t.cells)).size"
    assert tab.evaluate(count) == np.count_nonzero(cells >= 1)
    tab.evaluate("$('threshold').value = 100; $('threshold').dispatchEvent(new Event('input'))")
    threshold = tab.evaluate("new Promise(requestAnimationFrame).then(() => state.threshold)")
    assert threshold > 1
    tab.wait(f"{count} === {np.count_nonzero(cells >= threshold)}", 10)
    tab.evaluate("$('threshold').value = 0; $('threshold').dispatchEvent(new Event('input'))")
    tab.wait(f"{count} === {np.count_nonzero(cells)}", 10)

    texts = tab.evaluate("[...document.querySelectorAll('figcaption')].map((e) => e.textContent)")
    assert len(texts) == 3
    for k, (text, energy) in enumerate(zip(texts, sample.layer_energies[strongest], strict=True)):
        found = re.fullmatch(r"Layer (\d) ([\d,.]+) MeV · ([\d.]+) %", text)
        assert found is not None
        assert int(found[1]) == k
        assert float(found[2].replace(",", "")) == pytest.approx(energy, rel=6e-3)
        share = 100 * energy / sample.total_energy[strongest]
        assert float(found[3]) == pytest.approx(share, abs=0.051)

    # the brightest cell of layer 2, by its place on the map
    layer = sample.calorimeter.layers[2]
    brightest = int(sample.layers[2][strongest].argmax())
    left, top, *_ = box(tab, ".maps canvas", 2)
    place = tab.evaluate("sources[0].maps[2].place")
    x, y = layer.x_mm.ravel()[brightest], layer.y_mm.ravel()[brightest]
    tab.mouse(
        "Moved", left + place["x"] + x * place["pixels"], top + place["y"] - y * place["pixels"]
    )
    text = tab.evaluate("$('tip').hidden ? '' : $('tip').textContent")
    eta, phi = np.unravel_index(brightest, layer.shape)
    assert f"Layer 2, cell eta {eta}, phi {phi}" in text
    assert f"x {x:.1f}, y {y:.1f}".replace("-", "\N{MINUS SIGN}") in text
    energy = float(re.findall(r"([\d,.]+) MeV", text)[0].replace(",", ""))
    assert energy == pytest.approx(float(sample.layers[2][strongest].max()), rel=1e-3)

    tab.evaluate("document.querySelectorAll('.maps figure')[2].click()")
    assert tab.evaluate("$('layer').value") == "2"
    assert tab.evaluate(count) == np.count_nonzero(sample.layers[2][strongest])
    tab.evaluate("$('after').click()")
    assert tab.evaluate("$('title').textContent").endswith(
        f"{sample.incident.energy_gev[0]:.4g} GeV"
    )
    assert tab.complaints == []


def test_polar_cells_are_where_they_are(tab: Tab, tmp_path: Path) -> None:
    """Ring segments in the scene, and the page's own geometry against the calorimeter's."""
    showers = scattered("si-w", 2)
    opened(tab, event_display(showers, 1), tmp_path, 700, 500)
    calorimeter = showers.calorimeter
    cells = np.flatnonzero(showers.cells[1])[::50]
    x = np.concatenate([layer.x_mm.ravel() for layer in calorimeter.layers])[cells]
    y = np.concatenate([layer.y_mm.ravel() for layer in calorimeter.layers])[cells]
    found = np.array(tab.evaluate(f"{cells.tolist()}.map((c) => centre(layerOf(layers, c), c))"))
    np.testing.assert_allclose(found[:, :2], np.stack([x, y], axis=1), atol=1e-9)
    ends = tab.evaluate(
        f"{cells.tolist()}.map((c) => {{ const s = new Solids(); s.add(layerOf(layers, c), c, 0,"
        " Array(6).fill(true)); const radii = s.y.map((x, k) => Math.hypot(x, s.z[k]));"
        " return [Math.min(...s.x), Math.max(...s.x), Math.min(...radii), Math.max(...radii)]; })"
    )
    sizes = [layer.n_cells for layer in calorimeter.layers]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    for cell, (z_min, z_max, r_min, r_max) in zip(cells, ends, strict=True):
        k = int(np.searchsorted(starts, cell, side="right")) - 1
        layer = calorimeter.layers[k]
        ring = (cell - starts[k]) % layer.shape[1]
        expected = (layer.z_min_mm, layer.z_max_mm, *layer.r_edges_mm[ring : ring + 2])  # type: ignore[union-attr]
        assert (z_min, z_max, r_min, r_max) == pytest.approx(expected, abs=1e-9)


def test_an_empty_shower_draws_the_calorimeter_and_says_so(tab: Tab, tmp_path: Path) -> None:
    opened(tab, event_display(emptied(make_showers(1)), 0), tmp_path, 420, 800)
    assert tab.evaluate("document.querySelector('.empty').innerText").startswith(
        "This shower is empty"
    )
    assert tab.evaluate("sources[0].scene.data.some((trace) => trace.mode === 'lines')")
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
